"""Both languages of every phrase are there, name the same placeholders, and every phrase the code asks for exists."""

import ast
import string
from importlib.resources import files
from pathlib import Path

import pytest

from llmlab.i18n import LANGUAGES, LearnerError, field_help, say
from llmlab.i18n.phrases import phrase_table

AREAS = sorted(
    path.name.removesuffix(".toml")
    for path in (files("llmlab.i18n") / "phrase_tables").iterdir()
    if path.name != "fields.toml"
)
PACKAGE = Path(__file__).parents[3] / "llmlab"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("area", AREAS)
def test_every_phrase_is_said_in_both_languages_with_the_same_placeholders(area: str) -> None:
    for key, texts in phrase_table(area).items():
        assert set(texts) == set(LANGUAGES), f"{area}.{key}"
        assert all(text.strip() for text in texts.values()), f"{area}.{key} is empty"
        assert placeholders(texts["en"]) == placeholders(texts["zh"]), f"{area}.{key}"


def literal_phrases() -> list[tuple[str, str]]:
    """(file:line, phrase) for every `say("…")` and `LearnerError("…")` written with a literal key."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in {"say", "LearnerError", "tr"} and isinstance(node.args[0].value, str):
                phrase = node.args[0].value
                if "." in phrase and " " not in phrase:
                    found.append((f"{path.relative_to(PACKAGE)}:{node.lineno}", phrase))
    return found


def test_every_phrase_that_the_code_names_exists() -> None:
    missing = []
    for place, phrase in literal_phrases():
        area, _, key = phrase.partition(".")
        if area not in AREAS or key not in phrase_table(area):
            missing.append(f"{place} {phrase}")
    assert not missing


def test_an_error_speaks_the_readers_language() -> None:
    area = AREAS[0]
    key, texts = next((key, texts) for key, texts in phrase_table(area).items() if not placeholders(texts["en"]))
    error = LearnerError(f"{area}.{key}")
    assert str(error) == texts["en"]
    assert error.say("zh") == texts["zh"]
    assert isinstance(error, ValueError)


def test_an_unknown_phrase_is_our_bug() -> None:
    with pytest.raises(KeyError):
        say(f"{AREAS[0]}.no_such_phrase")


def test_every_documented_field_has_chinese_help() -> None:
    from llmlab.training.config import TrainConfig

    english, chinese = field_help(TrainConfig, "en"), field_help(TrainConfig, "zh")
    assert english
    assert set(english) == set(TrainConfig.__dataclass_fields__)
    same = [name for name in english if english[name] == chinese[name]]
    assert not same
