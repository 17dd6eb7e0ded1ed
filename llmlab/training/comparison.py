"""Two runs beside each other: how much further one came, and how much text the other needed to come as far.

Everything is read from the runs' own points. Time counts learning alone, without the measurements in between, at the
median of a run's speed, so that two runs can be compared although other programs ran beside one of them for a while.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from llmlab.training import runs
from llmlab.training.config import TrainConfig

Points = Sequence[Mapping[str, Any]]

BESIDE_LEARNING = ("recipe", "checkpoint_seconds", "sample_tokens", "probe_megabytes", "threads", "vocab_size")
"""Fields that may differ between two runs that learn the same."""
ENDED_WELL, ALIVE = ("finished",), ("running", "starting", "queued", "stopping")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A run with an ingredient and one without it, at their ends."""

    loss_with: float
    loss_without: float
    steps: int
    """Of the run with it."""
    steps_without: int
    steps_to_equal: float | None
    """After how many steps the run with it had the other's final loss; None where it never had."""
    times_the_text: float | None
    """How many times as much text the run without it needed to get as far; None where the other never got there."""
    pace: float
    """How many times as long the run without it takes for the same text."""
    loss_in_that_time: float
    """Where the run without it stood when it had learnt for as long as the whole run with it."""


def found(config: TrainConfig) -> Path | None:
    """An earlier run that was asked to do the same: one that came to its end, else one on its way, else any."""
    wanted = _learning(config)
    alike = [run for run in runs.list_runs() if _learning(runs.config(run)) == wanted]
    order = {state: rank for rank, states in enumerate((ENDED_WELL, ALIVE)) for state in states}
    return min(alike, key=lambda run: order.get(runs.status(run).state, 2), default=None)


def _learning(config: TrainConfig) -> dict[str, Any]:
    return {f.name: getattr(config, f.name) for f in fields(config) if f.name not in BESIDE_LEARNING}


def outcome(with_it: Points, without_it: Points) -> Outcome | None:
    """What the difference came to, from the points of two ended runs; None while one has no measurement."""
    curve, other = _validation(with_it), _validation(without_it)
    if not curve or not other:
        return None
    equal = reached_at(curve, other[-1][1])
    per_step = with_it[-1]["tokens"] / with_it[-1]["step"]
    seconds, other_seconds = learning_seconds(with_it), learning_seconds(without_it)
    when = [at for at, line in zip(other_seconds, without_it, strict=True) if _has(line)]
    return Outcome(
        loss_with=curve[-1][1],
        loss_without=other[-1][1],
        steps=with_it[-1]["step"],
        steps_without=without_it[-1]["step"],
        steps_to_equal=None if equal is None else equal / per_step,
        times_the_text=None if equal is None else other[-1][0] / equal,
        pace=(other_seconds[-1] / without_it[-1]["tokens"]) / (seconds[-1] / with_it[-1]["tokens"]),
        loss_in_that_time=float(np.interp(seconds[-1], when, [loss for _, loss in other])),
    )


def reached_at(curve: Sequence[tuple[float, float]], loss: float) -> float | None:
    """Tokens at which a curve of (tokens, loss) first came down to a loss, on straight lines between its points."""
    before: tuple[float, float] | None = None
    for tokens, here in curve:
        if here <= loss:
            if before is None:
                return tokens
            share = (before[1] - loss) / (before[1] - here)
            return before[0] + share * (tokens - before[0])
        before = (tokens, here)
    return None


def learning_seconds(points: Points) -> list[float]:
    """Seconds of learning up to each point, at the run's usual speed: the median of all that were noted."""
    usual = median(point["tokens_per_second"] for point in points) if points else 1.0
    return [point["tokens"] / usual for point in points]


def _validation(points: Points) -> list[tuple[float, float]]:
    return [(point["tokens"], point["val_loss"]) for point in points if _has(point)]


def _has(point: Mapping[str, Any]) -> bool:
    return point.get("val_loss") is not None
