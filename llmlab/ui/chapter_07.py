"""Chapter 7 of the course."""

from llmlab.ui import chapter

if __name__ == "__main__":
    chapter.page(7)
