"""What the Tokenizers widget shows: one text cut by several tokenizers, and byte pairs joined merge by merge."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmlab.i18n import Language, LearnerError
from llmlab.text.bpe import BPE
from llmlab.text.display import show_bytes
from llmlab.text.tokenizer import Tokenizer

STEPPED = 160
"""How many characters of the text are followed merge by merge."""


class Cutter:
    """Answers the `token_strip` widget for some named tokenizers and one byte-pair encoding to step through."""

    def __init__(self, tokenizers: Sequence[tuple[str, Tokenizer]], stepped: BPE) -> None:
        self.tokenizers, self.stepped = tokenizers, stepped

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for the `text` that is asked: `rows` of tokens, and the `steps` of the merges."""
        text = str(ask.get("text", ""))
        return {
            "nonce": ask.get("nonce", 0),
            "characters": len(text),
            "rows": [self._row(name, tokenizer, text, language) for name, tokenizer in self.tokenizers],
            **self._steps(text[:STEPPED]),
        }

    def _row(self, name: str, tokenizer: Tokenizer, text: str, language: Language) -> dict[str, Any]:
        row = {"name": name, "kind": tokenizer.kind, "vocabulary": tokenizer.vocab_size, "tokens": [], "error": None}
        try:
            tokenizer.require(text)
            row["tokens"] = tokenizer.token_texts(tokenizer.encode(text))
        except LearnerError as error:
            row["error"] = error.say(language)
        return row

    def _steps(self, text: str) -> dict[str, Any]:
        """Every state of the text as indices into `pieces`, and what each merge made."""
        known: dict[bytes, int] = {}
        states: list[list[int]] = []
        made: list[str | None] = []
        before: list[bytes] = []
        for pieces in self.stepped.steps(text):
            new = set(pieces) - set(before) if states else set()
            made.append(show_bytes(min(new)) if new else None)
            states.append([known.setdefault(piece, len(known)) for piece in pieces])
            before = pieces
        return {"pieces": [show_bytes(piece) for piece in known], "steps": states, "made": made}


def show(tokenizers: Sequence[tuple[str, Tokenizer]], stepped: BPE, text: str, *, language: Language = "en") -> Any:
    """The live widget in a notebook."""
    from llmlab.widgets import labels
    from llmlab.widgets.jupyter import host

    cutter = Cutter(tokenizers, stepped)
    state = {"text": text, "labels": labels("token_strip", language), "answer": cutter.answer({"text": text}, language)}
    return host("token_strip", state, lambda asked: cutter.answer(asked, language))
