"""The picture of the next token: probabilities before cutting, and who cut what."""

import pytest
import torch

from llmlab.generation import SamplingConfig, next_distribution
from llmlab.generation.distribution import distribution
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

PROBABILITIES = [0.03, 0.07, 0.15, 0.25, 0.5]


@pytest.fixture(scope="module")
def five() -> Tokenizer:
    return train_tokenizer("char", "\n abc")


def test_each_token_is_cut_by_the_first_filter_that_forbids_it(five: Tokenizer) -> None:
    sampling = SamplingConfig(top_k=4, top_p=0.9, min_p=0.4)
    found = distribution(torch.tensor(PROBABILITIES).log(), five, sampling, [], top=5)
    assert found.ids == [4, 3, 2, 1, 0]
    assert found.texts == ["c", "b", "a", "·", "⏎"]
    assert found.probabilities == pytest.approx(PROBABILITIES[::-1])
    assert found.cut_by == [None, None, "min_p", "top_p", "top_k"]
    assert found.kept == [True, True, False, False, False]
    assert found.cut_mass == pytest.approx({"top_k": 0.03, "top_p": 0.07, "min_p": 0.15})
    assert list(found.cut_mass) == ["top_k", "top_p", "min_p"]
    assert found.tail_mass == pytest.approx(0.25)
    assert found.kept_count == 2


def test_what_is_not_listed_still_counts(five: Tokenizer) -> None:
    found = distribution(torch.tensor(PROBABILITIES).log(), five, SamplingConfig(top_k=1), [], top=2)
    assert found.ids == [4, 3]
    assert found.unlisted_mass == pytest.approx(0.25)
    assert found.cut_mass == pytest.approx({"top_k": 0.5})


def test_temperature_reshapes_and_greedy_shows_the_model_as_it_is(five: Tokenizer) -> None:
    logits = torch.tensor(PROBABILITIES).log()
    sharper = distribution(logits, five, SamplingConfig(temperature=0.5), [], top=5)
    squares = [p * p for p in PROBABILITIES[::-1]]
    assert sharper.probabilities == pytest.approx([square / sum(squares) for square in squares])
    greedy = distribution(logits, five, SamplingConfig(temperature=0), [], top=5)
    assert greedy.probabilities == pytest.approx(PROBABILITIES[::-1])
    assert greedy.cut_by == [None, "greedy", "greedy", "greedy", "greedy"]


def test_it_is_the_models_own_softmax(model: GPT, letters: Tokenizer) -> None:
    found = next_distribution(model, letters, "abc", top=letters.vocab_size)
    with torch.no_grad():
        expected = model(torch.tensor([letters.encode("abc")])).logits[0, -1].softmax(-1)
    torch.testing.assert_close(torch.tensor(found.probabilities), expected[found.ids])
    assert sum(found.probabilities) == pytest.approx(1)
    assert found.tail_mass == 0
