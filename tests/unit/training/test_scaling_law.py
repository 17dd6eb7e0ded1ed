"""A scaling law: the line of scipy's regression, the floor of scipy's minimiser, and an exact law found again."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import linregress

from llmlab.i18n import LearnerError
from llmlab.text.tales import entropy_per_character, write_tales
from llmlab.training.scaling_law import PowerLaw, counting_losses, fit

SIZES = [1_000, 2_000, 4_000, 8_000, 16_000]
LAW = PowerLaw(floor=0.8, scale=500.0, exponent=0.3)
NOISE = np.random.default_rng(0).normal(scale=0.004, size=len(SIZES))
NOISY = [LAW.loss(size) + float(e) for size, e in zip(SIZES, NOISE, strict=True)]


@pytest.mark.parametrize("floor", [None, 0.8])
def test_an_exact_law_is_found_again(floor) -> None:
    found = fit(SIZES, [LAW.loss(size) for size in SIZES], floor=floor)
    assert (found.floor, found.scale, found.exponent) == pytest.approx((0.8, 500.0, 0.3), rel=1e-4)
    assert found.loss(1e6) == pytest.approx(LAW.loss(1e6))
    assert found.loss(found.to_halve * 1e4) - found.floor == pytest.approx((found.loss(1e4) - found.floor) / 2)


def test_with_a_known_floor_it_is_scipys_line() -> None:
    line = linregress(np.log(SIZES), np.log(np.array(NOISY) - 0.8))
    found = fit(SIZES, NOISY, floor=0.8)
    assert found.exponent == pytest.approx(-line.slope)
    assert np.log(found.loss(3_000) - 0.8) == pytest.approx(line.intercept + line.slope * np.log(3_000))


def test_an_unknown_floor_is_the_one_that_scipy_finds() -> None:
    def misses(floor: float) -> float:
        line = linregress(np.log(SIZES), np.log(np.array(NOISY) - floor))
        return float(line.rvalue**2 - 1) * -float(np.var(np.log(np.array(NOISY) - floor)))

    best = minimize_scalar(misses, bounds=(0, min(NOISY) - 1e-6), method="bounded", options={"xatol": 1e-8})
    assert fit(SIZES, NOISY).floor == pytest.approx(best.x, abs=1e-4)


@pytest.mark.parametrize(
    ("sizes", "losses", "floor"), [([1, 2], [3, 2], None), ([1, 2], [3, 2], 2.0), ([1, 2, 4], [2, 2.5, 3], 1.0)]
)
def test_what_cannot_be_fitted_is_said(sizes, losses, floor) -> None:
    with pytest.raises(LearnerError):
        fit(sizes, losses, floor=floor)


def test_more_text_teaches_counting_models_more_and_never_beyond_the_entropy() -> None:
    losses = counting_losses(write_tales("en", characters=30_000), [2_000, 8_000, 27_000], order=5)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] > entropy_per_character("en")
