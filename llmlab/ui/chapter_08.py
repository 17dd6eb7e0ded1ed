"""Chapter 8 of the course."""

from llmlab.ui import chapter

if __name__ == "__main__":
    chapter.page(8)
