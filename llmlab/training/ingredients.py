"""What makes the default recipe fast, one ingredient at a time: what each is, and how a run looks without it.

A comparison is two ordinary runs from the same seed that read the same amount of text: the recipe, and the recipe
without one ingredient. What came out when this was measured stands in `ingredients.toml`, which
`python -m benchmarks ingredients` writes.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from llmlab.training import processor
from llmlab.training.config import TrainConfig

MEASURED = "ingredients.toml"
EVERYTHING = "everything"
"""Stands for all ingredients at once."""
STEPS = 150
"""Length of a comparison, in steps of the recipe."""
POINTS = 10
"""Measurements of the validation loss in it."""


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """One reason why the recipe is fast. Its phrases are `speed.NAME`, `speed.NAME_without` and `speed.NAME_why`."""

    name: str
    without: Mapping[str, Any]
    """The fields of TrainConfig that are otherwise when it is taken away."""


INGREDIENTS = (
    Ingredient(name="muon", without={"optimizer": "adamw", "lr": None}),
    Ingredient(name="zero_start", without={"init": "normal"}),
    Ingredient(name="modern", without={"model": "gpt2", "init": "zero"}),
    Ingredient(name="angles", without={"rope_theta": 10_000.0}),
    Ingredient(name="qk_norm", without={"qk_norm": False}),
    Ingredient(name="cooldown", without={"cooldown": 0.0}),
    Ingredient(name="trapezoid", without={"schedule": "cosine"}),
    Ingredient(name="warmup", without={"warmup": 0}),
    Ingredient(name="rate", without={"lr": 1e-3}),
    Ingredient(name="batch", without={"batch": 4}),
    Ingredient(name="bfloat16", without={"precision": "float32"}),
)


def named(name: str) -> Ingredient:
    """The ingredient of that name; `everything` is all of them. Raises KeyError for any other name."""
    if name == EVERYTHING:
        return Ingredient(
            name=EVERYTHING, without={"model": "gpt2", "init": "normal", "optimizer": "adamw", "lr": 1e-3}
        )
    return {ingredient.name: ingredient for ingredient in INGREDIENTS}[name]


def present(config: TrainConfig) -> list[Ingredient]:
    """Those that a run has: taking them away changes it."""
    there = [ingredient for ingredient in INGREDIENTS if without(config, ingredient.name) != config]
    return [ingredient for ingredient in there if ingredient.name != "bfloat16" or in_bfloat16(config)]


def in_bfloat16(config: TrainConfig) -> bool:
    """Whether a run multiplies in bfloat16 here; asks the processor, and where a GPU is named believes in it."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    return config.device not in ("auto", "cpu") or processor.multiplies_bfloat16()


def whole(config: TrainConfig) -> TrainConfig:
    """A run as short as comparisons are, with all its ingredients; it writes nothing and keeps no looks inside."""
    return replace(
        config,
        steps=STEPS,
        seconds=None,
        until_val_loss=None,
        eval_every=STEPS // POINTS,
        sample_tokens=0,
        probe_megabytes=0.0,
    )


def without(config: TrainConfig, name: str) -> TrainConfig:
    """The run without an ingredient. It reads as much text: with smaller batches it makes more steps."""
    taken = replace(config, **named(name).without)
    ratio = config.tokens_per_step / taken.tokens_per_step
    if ratio == 1 or config.steps is None:
        return taken
    every = config.eval_every and max(1, round(config.eval_every * ratio))
    return replace(taken, steps=round(config.steps * ratio), eval_every=every)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What taking ingredients away did, where and when it was measured."""

    date: str
    corpus: str
    steps: int
    loss: float
    """Validation loss at the end, with everything."""
    losses: Mapping[str, float]
    """Validation loss at the end without each ingredient."""


@cache
def measured() -> Measured:
    """The figures of `ingredients.toml`."""
    return Measured(**tomllib.loads((files("llmlab.training") / MEASURED).read_text(encoding="utf-8")))


def names(asked: Iterable[str], config: TrainConfig) -> list[str]:
    """Of the names asked for those that a run can go without, in the order of the list."""
    wanted = set(asked)
    known = [ingredient.name for ingredient in present(config)] + [EVERYTHING]
    return [name for name in known if name in wanted]
