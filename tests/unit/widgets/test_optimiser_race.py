"""The race widget's answers: what is drawn is what the optimisers did, also where they fly off."""

import base64
import zlib

import numpy as np
import pytest

from llmlab.autodiff.surfaces import SURFACES, race
from llmlab.i18n import LANGUAGES
from llmlab.widgets import labels
from llmlab.widgets.optimiser_race import STEPS, Race


def unpacked(packed) -> np.ndarray:
    data = base64.b64decode(packed["data"])
    data = zlib.decompress(data) if packed["deflated"] else data
    return np.frombuffer(data, dtype=np.float32).reshape(packed["shape"])


@pytest.mark.parametrize("name", SURFACES)
def test_paths_are_those_of_the_rules_at_these_rates(name) -> None:
    surface = SURFACES[name]
    answer = Race().answer({"surface": name, "start": [0.5, -0.7], "factor": 0.5})
    rates = {rule: rate / 2 for rule, rate in surface.rates.items()}
    paths, losses = race(surface, rates, start=(0.5, -0.7), steps=STEPS)
    np.testing.assert_array_equal(unpacked(answer["paths"]), paths.astype(np.float32))
    np.testing.assert_array_equal(unpacked(answer["losses"]), losses.astype(np.float32))
    assert [rule["rate"] for rule in answer["rules"]] == [f"{rate:.3g}" for rate in rates.values()]


@pytest.mark.parametrize("name", SURFACES)
def test_no_place_in_the_picture_is_lower_than_the_lowest(name) -> None:
    answer = Race().answer({"surface": name})
    grid = unpacked(answer["grid"])
    assert grid.min() >= answer["floor"] - 1e-6
    assert grid.min() < answer["floor"] + 0.05


def test_twice_the_rates_let_gradient_descent_alone_leave_the_ravine() -> None:
    answer = Race().answer({"surface": "ravine", "factor": 2})
    with np.errstate(over="ignore"):
        gone = ~(np.abs(unpacked(answer["paths"])[:, -1]) < 10).all(axis=1)
    assert [rule["name"] for rule, left in zip(answer["rules"], gone, strict=True) if left] == ["gd"]


def test_what_cannot_be_is_brought_back_into_the_picture() -> None:
    answer = Race().answer({"surface": "no such", "start": [99, -99], "factor": 1e9})
    assert (answer["surface"], answer["start"], answer["factor"]) == ("ravine", [2.5, -2.0], 16.0)


def test_every_surface_and_optimiser_has_a_name_in_both_languages() -> None:
    for language in LANGUAGES:
        words = labels("optimiser_race", language)
        assert {*SURFACES, *(rule for surface in SURFACES.values() for rule in surface.rates)} <= set(words)
