"""The text that a page opens with: words that the model on show knows."""

from typing import TYPE_CHECKING

from llmlab.ui import opened, shell
from llmlab.ui.language import language

if TYPE_CHECKING:
    from llmlab.text.tokenizer import Tokenizer


def first_text(chosen: opened.Choice, tokenizer: "Tokenizer") -> str:
    """The beginning that a run's samples have, taken from its own text; for other models a well-known line."""
    if chosen.run is not None:
        from llmlab.training import runs

        samples = runs.samples(chosen.run)
        prompt = str(samples[-1].get("prompt") or "").strip("\n") if samples else ""
        if prompt and not tokenizer.missing(prompt):
            return prompt
    return opened.opening_text(tokenizer, language())


def code(source: str, chosen: opened.Choice, tokenizer: "Tokenizer") -> None:
    """The folded code, with the model on show as `{folder}` and its first text as `{text}`."""
    folder = str(chosen.folder) if chosen.own else chosen.name
    shell.code(source.format(folder=folder, text=first_text(chosen, tokenizer)))
