"""`python -m llmlab …`"""

import sys

from llmlab.command_line.program import main

if __name__ == "__main__":
    sys.exit(main())
