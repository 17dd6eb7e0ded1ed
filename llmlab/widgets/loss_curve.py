"""The live loss curve: what the widget `loss_curve.js` is given, made from the lines of `metrics.jsonl`.

History travels once; afterwards only new points do. A chunk says "after step N, these are the points", so applying
one twice is harmless, and a widget that lacks what came before asks for it by saving `missing`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmlab.i18n import Language, say
from llmlab.i18n.phrases import phrase_table

Unit = Literal["char", "word", "token"]
REFERENCES = ("uniform", "unigram", "kneser_ney", "floor")


@dataclass(frozen=True, kw_only=True)
class CurveRun:
    """One run on the chart."""

    id: str
    """Distinguishes runs; never shown."""
    name: str
    """As the reader knows it."""
    unit: Unit = "token"
    """What one prediction chooses among."""


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """Everything the chart shows; `state()` is what the ES module reads."""

    runs: Sequence[CurveRun]
    """In order of colour and dash: the first is the one that is explained."""
    chunks: Sequence[Mapping[str, Any]] = ()
    """From `chunk`."""
    references: Mapping[str, Any] | None = None
    """Losses in nats per token: uniform, unigram, kneser_ney ({order, loss}), floor (or null)."""
    language: Language = "en"
    """Of the words."""
    height: int = 330
    """Of the plot, in CSS pixels."""
    across: Literal["step", "text", "seconds"] = "step"
    """What the points' first numbers count: steps, text read in steps of the first run, or seconds of learning."""

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        words = {key: phrase[self.language] for key, phrase in phrase_table("loss_curve").items()}
        units = {run.unit for run in self.runs}
        if len(units) == 1 and units != {"token"}:
            words["y_axis"] = words[f"y_axis_{units.pop()}"]
        words |= {key: words[f"{key}_{self.across}"] for key in words if f"{key}_{self.across}" in words}
        return {
            "runs": [{"id": run.id, "name": run.name, "unit": run.unit} for run in self.runs],
            "chunks": [dict(c) for c in self.chunks],
            "references": reference_lines(self.references or {}, self.language),
            "words": words,
            "height": self.height,
        }


def reference_lines(references: Mapping[str, Any], language: Language = "en") -> list[dict[str, Any]]:
    """The lines that are known, labelled, from the losses that a run carries."""
    lines = []
    for kind in REFERENCES:
        value = references.get(kind)
        loss = value.get("loss") if isinstance(value, Mapping) else value
        if loss is None:
            continue
        order = value.get("order") if isinstance(value, Mapping) else None
        label = say(f"loss_curve.{kind}", language, order=order)
        lines.append({"kind": kind, "loss": round(float(loss), 4), "label": label})
    return lines


def chunk(
    run: str, metrics: Iterable[Mapping[str, Any]], *, after: int = -1, most: int | None = 1500
) -> dict[str, Any]:
    """The points after step `after` as the widget reads them.

    Of more than `most` training points every n-th is kept (and the last); validation points all stay.
    Values that are not finite are left out: they have no place on an axis. Of an ended run `best` is where its best
    checkpoint stands, by the loss on the whole validation text.
    """
    metrics = list(metrics)
    best = metrics[-1].get("best") if metrics else None
    lines = [line for line in metrics if line["step"] > after]
    train = [[line["step"], _round(line["train_loss"])] for line in lines if _finite(line.get("train_loss"))]
    val = [[line["step"], _round(line["val_loss"])] for line in lines if _finite(line.get("val_loss"))]
    if most and len(train) > most:
        stride = -(-len(train) // most)
        train = train[::stride] + ([train[-1]] if (len(train) - 1) % stride else [])
    at_best = None
    if best is not None and best["val_share"] == 1 and _finite(best["val_loss"]):
        at_best = [int(best["checkpoint"].removeprefix("step-")), _round(best["val_loss"])]
    return {"run": run, "after": after, "train": train, "val": val, "best": at_best}


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _round(loss: float) -> float:
    return round(loss, 4)
