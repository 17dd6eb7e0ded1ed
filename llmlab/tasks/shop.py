"""The questions that customers ask a small shop, in two languages, by intent, each with the shop's answer."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from llmlab.i18n import LANGUAGES, Language


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One thing that customers want."""

    name: str
    title: Mapping[Language, str]
    reply: Mapping[Language, str]
    questions: tuple[str, ...]
    """Known examples, those in English before those in Chinese."""


@cache
def intents() -> tuple[Intent, ...]:
    """All intents in the order of the file."""
    table = tomllib.loads((files("llmlab.tasks") / "shop.toml").read_text(encoding="utf-8"))
    return tuple(
        Intent(
            name=name,
            title=entry["title"],
            reply=entry["reply"],
            questions=tuple(question for language in LANGUAGES for question in entry[language]),
        )
        for name, entry in table.items()
    )


def examples() -> list[tuple[Intent, str]]:
    """Every known question with its intent."""
    return [(intent, question) for intent in intents() for question in intent.questions]
