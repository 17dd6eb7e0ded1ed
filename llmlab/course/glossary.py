"""The terms of the field, explained in both languages: `glossary.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from llmlab.course.unit import Words
from llmlab.i18n import Language


@dataclass(frozen=True, kw_only=True)
class Term:
    """One entry: how the field calls it, and what it means."""

    name: str
    words: Words
    meaning: Words
    """Markdown with inline formulas, one to three sentences."""
    chapter: int


@cache
def glossary() -> dict[str, Term]:
    """All terms by name, in the order of the file."""
    source = tomllib.loads((files("llmlab.course") / "glossary.toml").read_text(encoding="utf-8"))
    return {
        name: Term(
            name=name,
            words={"en": entry["en"]["term"], "zh": entry["zh"]["term"]},
            meaning={"en": entry["en"]["meaning"], "zh": entry["zh"]["meaning"]},
            chapter=entry["chapter"],
        )
        for name, entry in source.items()
    }


def term_words(name: str, language: Language) -> str:
    """How a language calls a term."""
    return glossary()[name.replace(" ", "-")].words[language]
