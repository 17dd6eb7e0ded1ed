"""Phrases by key. Each area has one TOML file that keeps the languages of a phrase side by side.

`say("training.stopped", "zh", step=300)` looks up `[stopped]` in `phrase_tables/training.toml`.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: dict[Language, str] = {"en": "English", "zh": "简体中文"}


@cache
def phrase_table(area: str) -> dict[str, dict[str, str]]:
    """All phrases of one area: key to language to text. Raises FileNotFoundError for an unknown area."""
    source = files("llmlab.i18n") / "phrase_tables" / f"{area}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


def say(phrase: str, language: Language = "en", /, **parameters: object) -> str:
    """The phrase `area.key` in a language, its `{placeholders}` filled from the parameters (`str.format`).

    Raises KeyError for an unknown key or a missing parameter: that is our bug, not the learner's.
    """
    area, _, key = phrase.partition(".")
    template = phrase_table(area)[key][language]
    return template.format(**parameters) if parameters else template
