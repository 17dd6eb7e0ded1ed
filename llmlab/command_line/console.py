"""Where a command's words go: its answer to stdout, everything on the way there to stderr."""

import json
import math
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from llmlab.i18n import Language, say

SECONDS_BETWEEN_LINES = 5.0  # of progress, when nobody watches a terminal


class Console:
    """One command's output. With `json` on, `show` and `table` are silent and `answer` prints the object.

    `owns_process`: whether the command is all that this process does, so that its time began with the process.
    """

    def __init__(
        self, *, language: Language, json: bool, owns_process: bool = False, out: TextIO | None = None
    ) -> None:
        self.language = language
        self.json = json
        self.owns_process = owns_process
        self.interrupted = False
        self._out = out or sys.stdout
        self._live = 0
        self._last_line = -math.inf

    def say(self, phrase: str, **parameters: object) -> str:
        """A phrase of the area `cli` in the reader's language."""
        return say(f"cli.{phrase}", self.language, **parameters)

    def show(self, text: str, *, end: str = "\n") -> None:
        """Part of the answer, for a person."""
        if not self.json:
            self.clear_progress()
            self._out.write(text + end)
            self._out.flush()

    def answer(self, result: Mapping[str, Any]) -> None:
        """The answer for a program: one JSON object on one line. Numbers that JSON lacks (NaN) become null."""
        if self.json:
            print(json.dumps(_finite(result), allow_nan=False), file=self._out, flush=True)

    def note(self, text: str) -> None:
        """A remark beside the answer, to stderr."""
        self.clear_progress()
        print(text, file=sys.stderr, flush=True)

    def progress(self, text: str) -> None:
        """How far the work is: one line that is rewritten on a terminal, a new line every few seconds elsewhere."""
        if sys.stderr.isatty():
            self.doing(text)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def doing(self, text: str) -> None:
        """What takes a moment now: on a terminal only, and gone afterwards."""
        if sys.stderr.isatty():
            padding = " " * max(0, self._live - display_width(text))
            print(f"\r{text}{padding}", end="", file=sys.stderr, flush=True)
            self._live = display_width(text)

    def clear_progress(self) -> None:
        """Take the live line away, so that the next line starts at the left."""
        if self._live:
            print("\r" + " " * self._live + "\r", end="", file=sys.stderr, flush=True)
            self._live = 0

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns aligned on a terminal, where a Chinese character is two places wide."""
        widths = [max(display_width(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
        for row in (headings, *rows):
            cells = (cell + " " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True))
            self.show("  ".join(cells).rstrip())


def display_width(text: str) -> int:
    """Places that a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
