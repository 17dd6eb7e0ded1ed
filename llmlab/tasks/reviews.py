"""Film reviews with their verdicts, as many as wanted, from a few rules of ours: for learning to classify offline.

They are made so that words do not tell everything. A clause may be turned round ("was not dull"), and what stands after
"although" counts for nothing: the first can be read from pairs of words, the second only from the order of the whole.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from llmlab.i18n import Language

NEGATED, TURNED, ASIDE = 0.2, 0.15, 0.5
"""How often a clause is negated, a review turns, and says something neutral first."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """One review; `good` is its verdict."""

    text: str
    good: bool


def write_reviews(language: Language, count: int, *, seed: int = 0) -> list[Review]:
    """So many different reviews, about half of them good."""
    random, words = Random(seed), _words()[language]
    found: dict[str, Review] = {}
    while len(found) < count:
        good = random.random() < 0.5
        text = _review(words, good, random)
        found.setdefault(text, Review(text=text, good=good))
    return list(found.values())


def _review(words: dict[str, Any], good: bool, random: Random) -> str:
    if random.random() < TURNED:
        against, clause = _clause(words, not good, random), _clause(words, good, random)
        body = str(words["turn"].format(against=against, clause=clause))
    else:
        body = str(words["join"]).join(_clause(words, good, random) for _ in range(2))
    said = body[0].upper() + body[1:] + str(words["end"])
    return f"{random.choice(words['neutral'])}{words['space']}{said}" if random.random() < ASIDE else said


def _clause(words: dict[str, Any], good: bool, random: Random) -> str:
    negated = random.random() < NEGATED
    form = random.choice(words["negated" if negated else "plain"])
    word = random.choice(words["good" if good != negated else "bad"])
    return str(form.format(thing=random.choice(words["things"]), word=word))


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads((files("llmlab.tasks") / "reviews.toml").read_text(encoding="utf-8"))
