"""The course: chapters, glossary, exercises, corrections, in both languages; and what its notebooks call.

from llmlab import course
course.begin()                       # language and look of a notebook
course.check("softmax", softmax)     # an exercise that checks itself
course.size(ci=20, cpu=200)          # how large an example is here
"""

from llmlab.course.checking import check
from llmlab.course.notebook_side import begin, diagram, words
from llmlab.course.profile import size

__all__ = ["begin", "check", "diagram", "size", "words"]
