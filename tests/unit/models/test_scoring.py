import math

import numpy as np
import pytest
import torch

from llmlab.i18n import LearnerError
from llmlab.models import scoring
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.ngram import NGram
from llmlab.models.scoring import bits_per_character, score_text, validation_loss
from llmlab.text.tokenizer import train_tokenizer

TEXT = "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer."


def random_gpt(vocab_size: int, context_length: int = 8) -> GPT:
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=vocab_size, context_length=context_length, n_layers=1, d_model=16, n_heads=2)
    model = GPT(config).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model


def one_by_one(model: GPT, ids: list[int], context: int) -> float:
    """Each token predicted in a forward pass of its own."""
    losses = []
    for target in range(1, len(ids)):
        window_start = (target - 1) // context * context
        logits = model(torch.tensor([ids[window_start:target]])).logits[0, -1]
        losses.append(-logits.log_softmax(-1)[ids[target]].item())
    return sum(losses) / len(losses)


@pytest.mark.parametrize("length", [2, 8, 9, 10, 17, 50])
@pytest.mark.parametrize("context", [8, 5])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_every_token_but_the_first_is_predicted_once(length: int, context: int, batch_size: int) -> None:
    model = random_gpt(11).eval()
    ids = np.random.default_rng(0).integers(0, 11, length)
    loss = validation_loss(model, ids, context_length=context, batch_size=batch_size)
    with torch.no_grad():
        assert loss == pytest.approx(one_by_one(model, ids.tolist(), context), abs=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.int64])
def test_ids_of_any_integer_type_and_tensors(kind: type) -> None:
    model = random_gpt(11)
    ids = np.random.default_rng(0).integers(0, 11, 30)
    assert validation_loss(model, ids.astype(kind)) == validation_loss(model, torch.from_numpy(ids))


def test_the_model_is_left_as_it_was() -> None:
    config = GPTConfig(vocab_size=11, context_length=8, n_layers=1, d_model=16, n_heads=2, dropout=0.5)
    model = GPT(config)
    ids = np.arange(30) % 11
    model.train()
    first = validation_loss(model, ids)
    assert first == validation_loss(model, ids)  # dropout was off
    assert model.training
    model.eval()
    validation_loss(model, ids)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_score_of_a_text(kind: str) -> None:
    tokenizer = train_tokenizer(kind, TEXT)
    model = random_gpt(tokenizer.vocab_size)
    ids = tokenizer.encode(TEXT)
    score = score_text(model, tokenizer, TEXT)
    assert score.tokens == len(ids) - 1
    assert score.characters == len(TEXT) - len(tokenizer.decode(ids[:1]))
    assert score.loss_per_token == validation_loss(model, np.array(ids))
    assert score.perplexity == pytest.approx(math.exp(score.loss_per_token))
    bits = score.loss_per_token * score.tokens / math.log(2)
    assert score.bits_per_character == pytest.approx(bits / score.characters)
    assert bits_per_character(model, tokenizer, TEXT) == score.bits_per_character


def test_bytes_of_one_character_count_it_once() -> None:
    tokenizer = train_tokenizer("bpe", "ab", vocab_size=256)
    score = score_text(random_gpt(256), tokenizer, "水火")
    assert (score.tokens, score.characters) == (5, 2)  # the last bytes of 水 are predicted, so it is covered too


def test_uniform_model_needs_the_logarithm_of_its_vocabulary() -> None:
    model = GPT(GPTConfig(vocab_size=16, context_length=8, n_layers=1, d_model=16, n_heads=2))
    with torch.no_grad():
        model.token_embedding.weight.zero_()
    tokenizer = train_tokenizer("char", "0123456789abcdef")
    assert bits_per_character(model, tokenizer, "0123456789abcdef" * 3) == pytest.approx(4)


def test_counting_models_are_scored_on_the_same_tokens() -> None:
    tokenizer = train_tokenizer("char", TEXT)
    ids = tokenizer.encode_array(TEXT)
    model = NGram(3).fit(ids, tokenizer.vocab_size)
    score = score_text(model, tokenizer, TEXT)
    assert score.tokens == len(ids) - 1
    assert score.loss_per_token == pytest.approx(-np.log(model.probabilities(ids)[1:]).mean())


@pytest.mark.parametrize("text", ["", "T"])
def test_too_short_a_text_is_said_plainly(text: str) -> None:
    tokenizer = train_tokenizer("char", TEXT)
    with pytest.raises(LearnerError, match="at least two"):
        score_text(random_gpt(tokenizer.vocab_size), tokenizer, text)


def test_missing_characters_are_named() -> None:
    tokenizer = train_tokenizer("char", TEXT)
    with pytest.raises(LearnerError, match="水"):
        score_text(random_gpt(tokenizer.vocab_size), tokenizer, "To be 水")


@pytest.mark.parametrize("most", [11, 30, 100, 200])
def test_a_window_read_in_pieces_scores_the_same(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_gpt(11).eval()
    ids = np.random.default_rng(0).integers(0, 11, 45)
    whole = validation_loss(model, ids)
    monkeypatch.setattr(scoring, "_LOGITS", most)
    assert validation_loss(model, ids) == pytest.approx(whole, abs=1e-12)
