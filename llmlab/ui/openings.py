"""The text that a page opens with: words that the model on show knows."""

from pathlib import Path
from typing import TYPE_CHECKING

from llmlab.ui import opened, shell
from llmlab.ui.language import language

if TYPE_CHECKING:
    from llmlab.i18n import Language
    from llmlab.text.tokenizer import Tokenizer


_LONGEST = 28
"""Characters of a first text."""
_LOOKED_AT = 1000
"""Tokens of a held-out text among which a line to open with is looked for."""


def first_text(chosen: opened.Choice, tokenizer: "Tokenizer") -> str:
    """The beginning of a line that the run has not learned from, up to the end of a word; for other models a well-known
    line in the reader's language, or in the model's own where it has but one.
    """
    if chosen.run is not None and (text := _held_out(chosen.run, tokenizer)):
        return text
    return opened.opening_text(tokenizer, spoken(chosen))


def _held_out(run: Path, tokenizer: "Tokenizer") -> str:
    import numpy as np

    from llmlab.training import runs

    file = run / "data" / "tokens.npy"
    if not file.is_file():
        return ""
    ids = np.load(file, mmap_mode="r", allow_pickle=False)
    first = int(len(ids) * (1 - runs.config(run).val_fraction))
    text = tokenizer.decode([int(i) for i in ids[first : first + _LOOKED_AT]])
    _, *lines = text.split("\n") if "\n" in text else ("", text)  # the text was cut within the first
    known = (line for line in lines if len(line) > 3 and not tokenizer.missing(line))
    line = next(known, "")[:_LONGEST]
    whole = line[: line.rfind(" ") + 1] or line
    return whole if tokenizer.kind == "char" else whole.strip()


def spoken(chosen: opened.Choice) -> "Language":
    """The reader's language; that of a model which knows but one."""
    from llmlab import hub

    known = {entry.name: entry.languages for entry in hub.entries("model")}
    languages = known.get(chosen.name, ()) if not chosen.own else ()
    return language() if language() in languages or languages not in (("en",), ("zh",)) else languages[0]


def code(source: str, chosen: opened.Choice, tokenizer: "Tokenizer") -> None:
    """The folded code, with the model on show as `{folder}` and its first text as `{text}`."""
    folder = str(chosen.folder) if chosen.own else chosen.name
    shell.code(source.format(folder=folder, text=first_text(chosen, tokenizer)))
