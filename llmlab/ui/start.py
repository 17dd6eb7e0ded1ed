"""Start: type, and see at once what a small language model reads and expects next."""

from llmlab.ui import shell


def page() -> None:
    shell.header("ui_start.title", "ui_start.lead")


if __name__ == "__main__":
    page()
