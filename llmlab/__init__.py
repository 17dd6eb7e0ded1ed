"""llmlab: understand large language models by building, training and looking inside small ones.

Importing the package loads nothing heavy; each room imports what it needs when it is entered.
"""

__version__ = "0.1.0"
