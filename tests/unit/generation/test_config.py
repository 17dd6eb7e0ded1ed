"""Settings of sampling: what is refused, and help in two languages."""

from dataclasses import fields

import pytest

from llmlab.generation import SamplingConfig
from llmlab.i18n import LearnerError, field_help


@pytest.mark.parametrize(
    ("setting", "phrase"),
    [
        ({"temperature": -0.1}, "generation.temperature"),
        ({"temperature": float("nan")}, "generation.temperature"),
        ({"temperature": float("inf")}, "generation.temperature"),
        ({"temperature": 1e-9}, "generation.temperature"),
        ({"top_k": 0}, "generation.top_k"),
        ({"top_p": 0.0}, "generation.top_p"),
        ({"top_p": 1.01}, "generation.top_p"),
        ({"top_p": float("nan")}, "generation.top_p"),
        ({"min_p": -0.01}, "generation.min_p"),
        ({"min_p": 1.5}, "generation.min_p"),
        ({"repetition_penalty": 0.0}, "generation.repetition_penalty"),
        ({"seed": -1}, "generation.seed"),
        ({"seed": 2**63}, "generation.seed"),
    ],
)
def test_impossible_settings_are_refused(setting: dict[str, float], phrase: str) -> None:
    with pytest.raises(LearnerError) as caught:
        SamplingConfig(**setting)
    assert caught.value.phrase == phrase
    assert str(next(iter(setting.values()))) in caught.value.say("zh")


def test_the_ends_of_the_ranges_are_possible() -> None:
    SamplingConfig(temperature=0, top_k=1, top_p=1, min_p=0, seed=2**63 - 1)


def test_every_field_has_help_in_both_languages() -> None:
    english, chinese = field_help(SamplingConfig), field_help(SamplingConfig, "zh")
    assert set(english) == {field.name for field in fields(SamplingConfig)}
    assert all(english[name] != chinese[name] for name in english)
