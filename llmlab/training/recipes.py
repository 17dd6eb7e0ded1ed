"""Recipes: named sets of values for a run, and how a learner's words change them."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmlab.i18n import LearnerError
from llmlab.training import fine_tuning, runs
from llmlab.training.config import LIMITS, TrainConfig

BERT = {"tokenizer": "wordpiece"}
"""What a bert takes where neither the recipe nor a word says otherwise: no other tokenizer has a [MASK]."""


@cache
def names() -> list[str]:
    """The recipes there are."""
    return sorted(
        path.name[:-5] for path in (files("llmlab.training") / "recipes").iterdir() if path.name[-5:] == ".toml"
    )


def recipe(name: str) -> dict[str, Any]:
    """The values that a recipe gives to fields of TrainConfig. Raises LearnerError for an unknown name."""
    if name not in names():
        raise LearnerError("training.unknown_recipe", name=name, known=", ".join(names()))
    source = files("llmlab.training") / "recipes" / f"{name}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def configure(words: Mapping[str, Any]) -> TrainConfig:
    """The run that words ask for: their recipe's values (else `default`'s), changed by each word that is not None.

    A word that limits the run (steps, seconds, until_val_loss) takes the place of all the recipe's limits. A model to
    start from takes the place of the recipe's sizes. Raises LearnerError for words that cannot be, or that contradict
    each other.
    """
    given = {name: value for name, value in words.items() if value is not None}
    values = recipe(given.get("recipe", "default"))
    if (values | given).get("model") == "bert":
        values = BERT | values
    if any(name in given for name in LIMITS):
        values = {name: value for name, value in values.items() if name not in LIMITS}
    if "init_from" not in given:
        return TrainConfig(**values | given)
    values = {name: value for name, value in values.items() if name not in fine_tuning.ADOPTED}
    return fine_tuning.adopt(TrainConfig(**values | given), runs.resolve(given["init_from"]), given)
