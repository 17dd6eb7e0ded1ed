"""Corrections of the article that this course follows: `errata.toml`, and the proofs that belong to it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from llmlab.course.unit import Words


@dataclass(frozen=True, kw_only=True)
class Erratum:
    """One entry: what is said, what is so, from where."""

    number: int
    chapter: int
    claim: Words
    """What the article says, in our words."""
    truth: Words
    source: str
    """Papers or documents; empty where there is nothing to cite."""
    editorial: bool
    """A matter of fact about names and charts that no program can prove."""
    proven_in: int | None
    """The chapter that will prove it; None when the proof is here, or there can be none."""


@cache
def errata() -> tuple[Erratum, ...]:
    """All entries in order."""
    source = tomllib.loads((files("llmlab.course") / "errata.toml").read_text(encoding="utf-8"))
    return tuple(
        Erratum(
            number=int(number),
            chapter=entry["chapter"],
            claim=entry["claim"],
            truth=entry["truth"],
            source=entry["source"],
            editorial=entry.get("editorial", False),
            proven_in=entry.get("proven_in"),
        )
        for number, entry in source.items()
    )
