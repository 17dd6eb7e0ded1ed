"""Each filter against a case worked out by hand; drawing against the frequencies it should give."""

import math

import pytest
import torch
from torch import Tensor

from llmlab.generation.config import SamplingConfig
from llmlab.generation.sampling import filter_logits, filter_steps, kept_mask, sample
from llmlab.i18n import LearnerError

PROBABILITIES = [0.5, 0.25, 0.15, 0.07, 0.03]


@pytest.fixture
def logits() -> Tensor:
    return torch.tensor(PROBABILITIES).log()


def kept(logits: Tensor, **settings: float) -> list[int]:
    return kept_mask(filter_logits(logits, SamplingConfig(**settings))).nonzero().flatten().tolist()


def test_top_k_keeps_the_k_most_likely(logits: Tensor) -> None:
    assert kept(logits.flip(0), top_k=2) == [3, 4]
    assert kept(logits, top_k=99) == [0, 1, 2, 3, 4]


def test_top_p_keeps_the_fewest_that_reach_p(logits: Tensor) -> None:
    assert kept(logits, top_p=0.7) == [0, 1]
    assert kept(logits, top_p=0.8) == [0, 1, 2]
    assert kept(logits, top_p=0.01) == [0]
    assert kept(logits, top_p=1.0) == [0, 1, 2, 3, 4]


def test_min_p_keeps_a_fraction_of_the_highest(logits: Tensor) -> None:
    assert kept(logits, min_p=0.29) == [0, 1, 2]
    assert kept(logits, min_p=0.31) == [0, 1]
    assert kept(logits, min_p=1.0) == [0]


def test_temperature_divides_the_logits(logits: Tensor) -> None:
    torch.testing.assert_close(filter_logits(logits, SamplingConfig(temperature=0.5)), logits * 2)


def test_temperature_zero_keeps_the_first_of_the_most_likely() -> None:
    assert kept(torch.tensor([1.0, 3.0, 3.0]), temperature=0) == [1]


def test_repetition_penalty_lowers_what_occurred_once_however_often() -> None:
    logits = torch.tensor([2.0, -2.0, 2.0, -2.0])
    filtered = filter_logits(logits, SamplingConfig(repetition_penalty=2.0), [0, 1, 0, 0])
    assert filtered.tolist() == [1.0, -4.0, 2.0, -2.0]


def test_top_k_acts_before_top_p(logits: Tensor) -> None:
    # After top_k=2 the first token has 2/3 of what is left: enough for top_p=0.6, which alone would keep two.
    assert kept(logits, top_p=0.6) == [0, 1]
    assert kept(logits, top_k=2, top_p=0.6) == [0]


def test_filters_act_in_the_order_of_transformers(logits: Tensor) -> None:
    everything = SamplingConfig(temperature=0.9, top_k=4, top_p=0.95, min_p=0.01, repetition_penalty=1.1)
    names = [name for name, _ in filter_steps(logits, everything, [0])]
    assert names == ["repetition_penalty", "temperature", "top_k", "top_p", "min_p"]


def test_filters_that_are_off_do_nothing(logits: Tensor) -> None:
    assert list(filter_steps(logits, SamplingConfig(min_p=0.0, top_p=1.0), [0])) == []


def test_the_given_logits_stay_as_they_were(logits: Tensor) -> None:
    before = logits.clone()
    filter_logits(logits, SamplingConfig(temperature=0.5, top_k=2, top_p=0.5, min_p=0.1, repetition_penalty=2.0), [1])
    assert torch.equal(logits, before)


def test_drawing_follows_the_filtered_distribution(logits: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    config = SamplingConfig(top_k=3)
    draws = torch.tensor([sample(logits, config, [], generator)[0] for _ in range(4000)])
    expected = torch.tensor(PROBABILITIES[:3]) / sum(PROBABILITIES[:3])
    frequencies = draws.bincount(minlength=5) / len(draws)
    assert frequencies[3:].sum() == 0
    torch.testing.assert_close(frequencies[:3], expected, atol=0.025, rtol=0)


def test_a_seed_gives_the_same_draws(logits: Tensor) -> None:
    def draws(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return [sample(logits, SamplingConfig(), [], generator)[0] for _ in range(40)]

    assert draws(3) == draws(3) != draws(4)


def test_the_probability_told_is_the_one_before_cutting(logits: Tensor) -> None:
    token, probability = sample(logits, SamplingConfig(top_k=1), [], torch.Generator())
    assert (token, probability) == (0, pytest.approx(0.5))
    token, probability = sample(logits, SamplingConfig(temperature=0), [], torch.Generator())
    assert (token, probability) == (0, pytest.approx(0.5))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_numbers_are_told_as_such(logits: Tensor, bad: float, temperature: float) -> None:
    logits[3] = bad
    with pytest.raises(LearnerError) as caught:
        sample(logits, SamplingConfig(temperature=temperature), [], torch.Generator())
    assert caught.value.phrase == "generation.not_a_number"
