"""What the walk-through shows: every step of one layer and head as a heat map, in the order in which data flows, and
for a chosen number its formula, what goes into it, the result computed again, and a notebook cell that asserts it.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import torch

from llmlab.charts.mathml import mathml
from llmlab.i18n import Language, LearnerError
from llmlab.lens.walkthrough import Step, Walkthrough
from llmlab.models.bert import Bert
from llmlab.models.build import Model
from llmlab.models.trace import Trace, trace
from llmlab.text.tokenizer import Tokenizer
from llmlab.widgets import answered, labels
from llmlab.widgets.attention import Reading, Viewer
from llmlab.widgets.payload import pack

MOST_TOKENS = 24
"""Each token is a row of every heat map; more rows do not fit beside their explanation."""
CODE = """\
import torch
from llmlab import hub
from llmlab.models.trace import trace

model, tokenizer = hub.load({folder!r})
{encode}
t = trace(model, torch.tensor([ids]){segments})

{check}"""
BREAK = re.compile(r"\s*\[SEP\]\s*")
"""Where the reader of a BERT begins the second segment."""


class Walker:
    """Answers the `walkthrough` widget for one model.

    `folder` is the name or folder that the code cell opens.
    """

    def __init__(self, model: Model, tokenizer: Tokenizer, *, folder: str = "shakespeare-gpt") -> None:
        self.model, self.tokenizer, self.folder = model, tokenizer, folder
        self._viewer = Viewer(model, tokenizer)
        self._kept: tuple[str, Reading, Trace] | None = None
        self._walk: tuple[str, Walkthrough] | None = None

    @property
    def writes(self) -> bool:
        """Whether the model writes on, and does not fill in blanks."""
        return not isinstance(self.model, Bert)

    def state(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """Everything the widget needs to begin, the answer to `ask` included."""
        return {"text": ask["text"], "labels": labels("walkthrough", language), "answer": self.answer(ask, language)}

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for what the widget asks: `text`, `layer` and `head` from 0, `cell` (step, row, column)
        or None for a telling one, `have` (the stamp of the steps that it holds).

        A person's mistake comes back as `error`, in the reader's language, beside nothing else.
        """
        return answered(ask, language, lambda: self._answer(ask))

    def _answer(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        text, config = str(ask.get("text", "")), self.model.config
        reading, left = self._read(text)
        layer = min(max(int(ask.get("layer", 0)), 0), config.n_layers - 1)
        head = min(max(int(ask.get("head", 0)), 0), config.n_heads - 1)
        stamp = hashlib.sha256(f"{text}\0{layer}\0{head}".encode()).hexdigest()[:12]
        if self._walk is None or self._walk[0] != stamp:
            self._walk = stamp, Walkthrough(self.model, left, layer=layer, head=head, at=self._at(reading))
        walk = self._walk[1]
        return {
            "stamp": stamp,
            "tokens": reading.tokens,
            "vocabulary": self.tokenizer.token_texts(walk.vocabulary),
            "at": walk.at % len(reading.ids),
            "writes": self.writes,
            "layer": layer,
            "head": head,
            "layers": config.n_layers,
            "heads": config.n_heads,
            "steps": None if ask.get("have") == stamp else [_drawn(step) for step in walk.steps],
            "cell": self._cell(walk, ask.get("cell") or {}, text, reading),
        }

    def _read(self, text: str) -> tuple[Reading, Trace]:
        if self._kept is None or self._kept[0] != text:
            reading = self._viewer.read(*self._segments(text))
            if len(reading.ids) > MOST_TOKENS:
                raise LearnerError("widgets.walkthrough_long", tokens=len(reading.ids), most=MOST_TOKENS)
            kinds = torch.tensor([reading.segments]) if any(reading.segments) else None
            self._kept = text, reading, trace(self.model, torch.tensor([reading.ids]), token_type_ids=kinds)
            self._walk = None
        return self._kept[1:]

    def _segments(self, text: str) -> list[str]:
        """A BERT reads what stands after [SEP] as its second segment."""
        return [text] if self.writes else BREAK.split(text, maxsplit=1)

    def _at(self, reading: Reading) -> int:
        """The position whose prediction is read: the last, behind which a GPT writes on; a BERT's first blank."""
        if self.writes:
            return -1
        mask = self.tokenizer.mask_id
        return reading.ids.index(mask) if mask in reading.ids else min(1, len(reading.ids) - 1)

    def _cell(self, walk: Walkthrough, asked: Mapping[str, Any], text: str, reading: Reading) -> dict[str, Any]:
        """The explanation of one number; asked by kind ("scores") or name, kept inside of the step."""
        wanted = str(asked.get("step", "scores"))
        step = next((s for s in walk.steps if wanted in (s.name, s.kind)), walk.steps[0])
        rows, columns = step.values.shape
        row = min(max(int(asked.get("row", walk.at % rows)), 0), rows - 1)
        column = min(max(int(asked.get("column", min(row, columns - 1) // 2)), 0), columns - 1)
        found = walk.explain(step.name, row, column)
        if self.tokenizer.encode(text) == reading.ids:
            encode = f"ids = tokenizer.encode({text!r})"
        else:
            encode = f"ids = {reading.ids}  # {text!r}, with the special tokens"
        segments = f", token_type_ids=torch.tensor([{reading.segments}])" if any(reading.segments) else ""
        return {
            "step": step.name,
            "row": row,
            "column": column,
            "formula": mathml(found.formula),
            "operands": [
                {"tex": o.name, "name": mathml(o.name), "values": pack(o.values.numpy())} for o in found.operands
            ],
            "shown": _number(found.shown),
            "computed": _number(found.computed),
            "code": CODE.format(folder=self.folder, encode=encode, segments=segments, check=found.code),
        }


def show(
    model: Model,
    tokenizer: Tokenizer,
    text: str,
    *,
    layer: int = 0,
    head: int = 0,
    folder: str = "shakespeare-gpt",
    language: Language = "en",
) -> Any:
    """The live widget in a notebook. `layer` and `head` count from 0; `folder` is what its code cells open."""
    from llmlab.widgets.jupyter import host

    walker = Walker(model, tokenizer, folder=folder)
    state = walker.state({"text": text, "layer": layer, "head": head}, language)
    return host("walkthrough", state, lambda asked: walker.answer(asked, language))


def _drawn(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": step.kind,
        "columns": step.columns,
        "formula": mathml(step.formula),
        "values": pack(step.values.detach().numpy()),
    }


def _number(value: float) -> float | None:
    """JSON has no infinity; the mask's −∞ is the only one there is."""
    return value if value > float("-inf") else None
