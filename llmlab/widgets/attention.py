"""What the Attention widget shows: every head's attention on a text, named by what the head does, and the products of
query and key behind each score.

What is drawn travels as one byte a weight; the float32 numbers behind what is printed travel head by head, when asked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from llmlab.i18n import Language, LearnerError
from llmlab.lens.head_behaviour import attention_weights, habits, induction_scores, scores_on_text, separators
from llmlab.models.build import Model
from llmlab.models.trace import trace
from llmlab.text.tokenizer import Tokenizer
from llmlab.widgets import answered, labels
from llmlab.widgets.payload import pack

MOST_TOKENS = 512
"""Longer texts are refused: a picture of them would take gigabytes to compute and could not be read."""
WHOLE = 2_500_000
"""Up to so many weights all heads are sent whole (12 layers × 12 heads × 128 tokens); beyond, as thumbnails."""
THUMBNAIL = 64
"""Cells along a thumbnail's side where a head is not sent whole."""
KEPT_BYTES = 64 << 20
"""A text's attention is kept between two questions up to this size, and computed again beyond."""
VIEWS = ("lines", "matrix", "model", "products")


@dataclass(frozen=True)
class Reading:
    """A text, or a pair, as the model reads it."""

    ids: list[int]
    tokens: list[str]
    segments: list[int]
    """0 for the first text, 1 for the second."""
    type_ids: list[int] | None = None
    """What a BERT is told of the two texts; None: the same as `segments`."""


@dataclass(frozen=True)
class Head:
    """Everything about one head on one text, as float32: weights and scores (query, key), q and k (seq, head_dim)."""

    weights: np.ndarray
    scores: np.ndarray
    q: np.ndarray
    k: np.ndarray


class Seen:
    """The attention of all heads on one reading, in memory while it is asked about."""

    def __init__(self, model: Model, reading: Reading) -> None:
        self.reading = reading
        ids = torch.tensor([reading.ids])
        told = reading.segments if reading.type_ids is None else reading.type_ids
        left = trace(model, ids, **({"token_type_ids": torch.tensor([told])} if _takes_segments(model) else {}))
        self.layers = [layer.attention for layer in left.layers]
        self.weights = attention_weights(left)  # (layer, head, query, key)
        self.heads_per_key = self.weights.shape[1] // self.layers[0].key.shape[1]
        for number, layer in enumerate(self.weights, 1):
            if not np.isfinite(layer).all():
                raise LearnerError("widgets.attention_nan", layer=number)

    @property
    def nbytes(self) -> int:
        """Weights, scores before and after the mask: what dominates."""
        return 3 * self.weights.nbytes

    @cached_property
    def causal(self) -> bool:
        """Whether no head looks ahead."""
        return not np.triu(self.weights, 1).any()

    def head(self, layer: int, head: int) -> Head:
        attention = self.layers[layer]
        q, k = attention.query[0, head], attention.key[0, head // self.heads_per_key]
        scores = attention.scores[0, head]
        return Head(self.weights[layer, head], *(part.float().numpy() for part in (scores, q, k)))


class Viewer:
    """Answers the `attention` widget for one model.

    `title` names the model in saved pictures and files.
    """

    def __init__(self, model: Model, tokenizer: Tokenizer, *, title: str = "") -> None:
        self.model, self.tokenizer, self.title = model, tokenizer, title
        self._kept: tuple[str, Seen] | None = None

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for what the widget asks: `text`, `second` (another text, or ""), `layer` and `head`
        (-1: pick one), `have` (the stamp of the picture it holds), `heads` (whose numbers it wants), `save`.

        A person's mistake comes back as `error`, in the reader's language, beside nothing else.
        """
        return answered(ask, language, lambda: self._answer(ask, language))

    def _answer(self, ask: Mapping[str, Any], language: Language) -> dict[str, Any]:
        reading = self.read(str(ask.get("text", "")), str(ask.get("second") or ""))
        stamp, seen = self._stamp(reading), self.seen(reading)
        layer, head = self._choose(int(ask.get("layer", -1)), int(ask.get("head", -1)), seen)
        if ask.get("save") == "html":
            return {"stamp": stamp, "picture": None, "exact": [], "file": self.file(ask, language)}
        wanted = dict.fromkeys([(layer, head), *((int(a), int(b)) for a, b in ask.get("heads") or [])])
        return {
            "stamp": stamp,
            "picture": None if ask.get("have") == stamp else self._picture(seen),
            "layer": layer,
            "head": head,
            "exact": [self._numbers(seen, *one) for one in wanted if self._is_head(*one)],
        }

    def read(self, text: str, second: str = "") -> Reading:
        """The tokens of a text or of a pair, with the special tokens of models that know segments (BERT).

        Raises LearnerError for an empty text, one that is too long, and characters that cannot be encoded.
        """
        if not text.strip():
            raise LearnerError("widgets.attention_empty")
        if not getattr(self.model.config, "n_heads", 0):
            raise LearnerError("widgets.attention_none")
        for part in (text, second):
            self.tokenizer.require(part)
        reading = _paired(self.model, self.tokenizer, text, second)
        most = min(self.model.config.context_length, MOST_TOKENS)
        if len(reading.ids) > most:
            raise LearnerError("widgets.attention_long", tokens=len(reading.ids), most=most)
        if len(reading.ids) < 2:
            raise LearnerError("widgets.attention_short")
        return reading

    @cached_property
    def induction(self) -> np.ndarray:
        """How much each head is an induction head; a property of the model, whatever the text."""
        return induction_scores(self.model, _ordinary(self.model, self.tokenizer))

    def file(self, ask: Mapping[str, Any], language: Language = "en") -> str:
        """One HTML file that shows this text's attention without a server: what is drawn first, then the numbers.

        The float32 of all heads where they fit, else of the one on show.
        """
        from llmlab.widgets import html

        state = self.state({**ask, "have": None, "save": None, "heads": []}, language) | {"live": False}
        more: list[dict[str, Any]] = []
        if not state["answer"]["error"]:
            shown = state["answer"]["layer"], state["answer"]["head"]
            reading = self.read(str(ask.get("text", "")), str(ask.get("second") or ""))
            seen = self.seen(reading)
            if seen.weights.size <= WHOLE:
                every = np.ndindex(seen.weights.shape[:2])
                more = [self._numbers(seen, *one) for one in every if one != shown]
        title = " · ".join(filter(None, (self.title, str(ask.get("text", ""))[:60])))
        return html.page("attention", state, title=title, language=language, later={"more": more})

    def state(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The whole state of a widget that opens with `ask`."""
        view = str(ask.get("view") or VIEWS[0])
        return {
            "text": str(ask.get("text", "")),
            "second": str(ask.get("second") or ""),
            "view": view if view in VIEWS else VIEWS[0],
            "title": self.title,
            "labels": labels("attention", language),
            "answer": self.answer(ask, language),
            "live": True,
        }

    def seen(self, reading: Reading) -> Seen:
        """The attention on a reading; the last one is kept. Raises LearnerError where it is not finite."""
        stamp = self._stamp(reading)
        if self._kept is not None and self._kept[0] == stamp:
            return self._kept[1]
        self._kept = None  # before the new one is made: two at a time would take twice the memory
        seen = Seen(self.model, reading)
        if seen.nbytes <= KEPT_BYTES:
            self._kept = stamp, seen
        return seen

    def _stamp(self, reading: Reading) -> str:
        return hashlib.sha256(repr((id(self.model), reading.ids, reading.segments)).encode()).hexdigest()[:12]

    def _is_head(self, layer: int, head: int) -> bool:
        return 0 <= layer < self.model.config.n_layers and 0 <= head < self.model.config.n_heads

    def _choose(self, layer: int, head: int, seen: Seen) -> tuple[int, int]:
        """The head asked for, else the one that looks most faithfully at the previous token: a habit easily seen."""
        if self._is_head(layer, head):
            return layer, head
        previous = np.diagonal(seen.weights, offset=-1, axis1=-2, axis2=-1).mean(-1)
        found = np.unravel_index(int(previous.argmax()), previous.shape)
        return int(found[0]), int(found[1])

    def _picture(self, seen: Seen) -> dict[str, Any]:
        reading = seen.reading
        scores = scores_on_text(seen.weights, reading.ids, separators(reading.tokens)) | {"induction": self.induction}
        return {
            "tokens": reading.tokens,
            "segments": reading.segments if any(reading.segments) else None,
            "causal": seen.causal,
            "shares": pack(shares(seen.weights)),
            "names": [[habit.behaviour for habit in row] for row in habits(scores)],
            "scores": {name: np.round(values, 4).tolist() for name, values in scores.items()},
        }

    def _numbers(self, seen: Seen, layer: int, head: int) -> dict[str, Any]:
        """The float32 of one head."""
        found = seen.head(layer, head)
        names = ("weights", "scores", "q", "k")
        return {"layer": layer, "head": head, **{name: pack(getattr(found, name)) for name in names}}


def shares(weights: np.ndarray) -> np.ndarray:
    """Attention (layer, head, seq, seq) as bytes for the eye: 255·√weight, so that 0.002 is still seen.

    Beyond `WHOLE` weights the largest of each square of cells stands for it, `THUMBNAIL` cells along a side at most.
    """
    seq = weights.shape[-1]
    if weights.size > WHOLE:
        step = -(-seq // THUMBNAIL)
        edges = np.arange(0, seq, step)
        weights = np.maximum.reduceat(np.maximum.reduceat(weights, edges, axis=-1), edges, axis=-2)
    drawn: np.ndarray = np.rint(255 * np.sqrt(weights)).astype(np.uint8)
    return drawn


def _takes_segments(model: Model) -> bool:
    return hasattr(model.config, "n_segments")


def _paired(model: Model, tokenizer: Tokenizer, text: str, second: str) -> Reading:
    """A BERT reads what its tokenizer's template makes of a text or pair, [CLS] text [SEP] second [SEP]; others read
    one text after the other.
    """
    second = second if second.strip() else ""
    if _takes_segments(model):
        framed = tokenizer.frame(text, second or None)
        # The template of some tells the model nothing of a second text: the reader is told all the same.
        return Reading(framed.ids, tokenizer.token_texts(framed.ids), framed.texts, framed.segments)
    first, other = [*tokenizer.opening_ids, *tokenizer.encode(text)], tokenizer.encode(second)
    if other and not tokenizer.missing("\n"):
        first += tokenizer.encode("\n")
    ids = first + other
    return Reading(ids, tokenizer.token_texts(ids), [0] * len(first) + [1] * len(other))


def _ordinary(model: Model, tokenizer: Tokenizer) -> Sequence[int]:
    """Ids of tokens that stand for text: what hides in brackets like [SEP] or <unk> does not."""
    size = min(model.config.vocab_size, tokenizer.vocab_size)
    special = separators(["", *tokenizer.token_texts(range(size))])[1:]
    found = [i for i in range(size) if not special[i]]
    return found or range(size)


def show(
    model: Model,
    tokenizer: Tokenizer,
    text: str,
    second: str = "",
    *,
    layer: int = -1,
    head: int = -1,
    view: str = "lines",
    language: Language = "en",
) -> Any:
    """The live widget in a notebook. `layer` and `head` count from 0; -1 picks a head that is easy to read."""
    from llmlab.widgets.jupyter import host

    viewer = Viewer(model, tokenizer)
    ask = {"text": text, "second": second, "layer": layer, "head": head, "view": view}
    return host("attention", viewer.state(ask, language), lambda asked: viewer.answer(asked, language))


def save(
    path: str, model: Model, tokenizer: Tokenizer, text: str, second: str = "", *, language: Language = "en"
) -> None:
    """Write the view of a text as one HTML file that needs nothing else."""
    from pathlib import Path

    page = Viewer(model, tokenizer).file({"text": text, "second": second}, language)
    Path(path).write_text(page, encoding="utf-8")
