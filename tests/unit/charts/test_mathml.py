"""MathML of formulas: what the converter takes for operators stands close, and a prime is raised once."""

import pytest

from llmlab.charts.mathml import mathml


@pytest.mark.parametrize("name", ["norm", "softmax"])
def test_the_name_of_a_function_is_no_operator(name: str) -> None:
    assert f"<mi>{name}</mi>" in mathml(rf"\operatorname{{{name}}}(x)")


def test_a_thin_space_parts_a_function_from_an_argument_without_brackets() -> None:
    assert '<mi>log</mi><mspace width="0.167em"/><mi>p</mi>' in mathml(r"\log p")
    assert "mspace" not in mathml(r"\log(p)")
    assert "mspace" not in mathml(r"\operatorname{softmax}_s(x)")


def test_minus_infinity_is_a_minus_and_an_identifier() -> None:
    assert "<mo>&#x02212;</mo><mi>&#x0221E;</mi>" in mathml(r"-\infty")


@pytest.mark.parametrize("tex", ["f'(z)", "x''", "k'_s"])
def test_a_prime_is_no_exponent(tex: str) -> None:
    assert "msup" not in mathml(tex)
    assert "msup" in mathml("x^2")
