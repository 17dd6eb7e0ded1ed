"""Where a text begins, which window the model sees, and that the cache changes nothing."""

import pytest
import torch
from tokenizers import AddedToken

from llmlab.generation.reading import Reader, prompt_ids
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

from .conftest import CONTEXT


def seen_windows(model: GPT, ids: list[int], grow: int) -> list[int]:
    """The first position of the window at each step, read off the uncached inputs."""
    seen: list[int] = []
    hook = model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    reader = Reader(model, longest=len(ids) + grow, use_cache=False)
    for _ in range(grow):
        reader.next_logits(ids)
        ids = [*ids, 1]
    hook.remove()
    return seen


def test_the_window_slides_to_half_when_it_is_full(model: GPT) -> None:
    half = CONTEXT // 2
    assert seen_windows(model, [1] * (CONTEXT - 1), 10) == [CONTEXT - 1, CONTEXT, *range(half, CONTEXT + 1), half]


def test_a_prompt_longer_than_the_context_is_read_from_its_end(model: GPT) -> None:
    long = [i % model.config.vocab_size for i in range(3 * CONTEXT)]
    with torch.no_grad():
        expected = model(torch.tensor([long[-CONTEXT:]])).logits[0, -1]
    for use_cache in (True, False):
        torch.testing.assert_close(Reader(model, longest=99, use_cache=use_cache).next_logits(long), expected)


def test_cached_logits_are_the_uncached_ones_past_several_slides(model: GPT) -> None:
    ids = [3, 1, 2]
    cached = Reader(model, longest=60)
    uncached = Reader(model, longest=60, use_cache=False)
    for _ in range(50):
        logits = cached.next_logits(ids)
        torch.testing.assert_close(logits, uncached.next_logits(ids), atol=1e-5, rtol=1e-5)
        ids.append(int(logits.argmax()))


def test_a_cached_step_reads_one_token(model: GPT) -> None:
    lengths: list[int] = []
    hook = model.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[1]))
    reader, ids = Reader(model, longest=60), [3, 1, 2]  # with a hook on it, the model itself takes every step
    reader.next_logits(ids)
    for _ in range(CONTEXT):
        ids.append(1)
        reader.next_logits(ids)
    hook.remove()
    assert lengths == [3] + [1] * (CONTEXT - 3) + [CONTEXT // 2, 1, 1]


def test_an_empty_prompt_starts_after_a_newline(letters: Tokenizer) -> None:
    assert prompt_ids(letters, "") == prompt_ids(letters, []) == letters.encode("\n")


def test_an_empty_prompt_starts_after_a_space_or_token_0_where_there_is_no_newline() -> None:
    spaced, dense = train_tokenizer("char", "ab c"), train_tokenizer("char", "中文")
    assert prompt_ids(spaced, "") == spaced.encode(" ")
    assert prompt_ids(dense, "") == [0]


def test_an_empty_prompt_starts_after_the_end_of_text_token(with_eos: Tokenizer) -> None:
    assert prompt_ids(with_eos, "") == [with_eos.eos_id]


def test_token_ids_pass_through(letters: Tokenizer) -> None:
    assert prompt_ids(letters, [4, 2]) == [4, 2]


def test_characters_that_the_vocabulary_lacks_are_named(letters: Tokenizer) -> None:
    with pytest.raises(LearnerError, match="Ω"):
        prompt_ids(letters, "abΩc")


@pytest.fixture
def with_eos() -> Tokenizer:
    backend = train_tokenizer("char", "\n abc")._backend
    backend.add_special_tokens([AddedToken("<|end|>", special=True)])
    return Tokenizer(backend, {"eos_token": "<|end|>"})
