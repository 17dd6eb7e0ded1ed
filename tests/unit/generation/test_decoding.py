"""Writing a text: the same with and without cache, ends where it should, shows what it means."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import llmlab
from llmlab.generation import SamplingConfig, generate, stream
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer

from .conftest import CONTEXT, random_model

LONG = 4 * CONTEXT


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "settings",
    [{"temperature": 0}, {}, {"temperature": 0.7, "top_k": 6, "top_p": 0.9, "min_p": 0.01, "repetition_penalty": 1.2}],
)
def test_cached_and_uncached_write_the_same_past_the_context(
    model: GPT, letters: Tokenizer, seed: int, settings: dict[str, float]
) -> None:
    sampling = SamplingConfig(seed=seed, **settings)
    prompt = "abcdefghijklmnop"[: 1 + 5 * seed]  # shorter and longer than the context
    cached, uncached = (
        generate(model, letters, prompt, max_new_tokens=LONG, sampling=sampling, use_cache=use_cache)
        for use_cache in (True, False)
    )
    assert cached.token_ids == uncached.token_ids
    assert len(cached.token_ids) == LONG


@pytest.mark.parametrize("style", ["gpt", "gpt2"])
def test_a_context_of_one_token_still_writes(letters: Tokenizer, style: str) -> None:
    model = random_model(style, letters.vocab_size, context_length=1)
    cached, uncached = (generate(model, letters, "ab", max_new_tokens=9, use_cache=c).token_ids for c in (True, False))
    assert cached == uncached
    assert len(cached) == 9


def test_a_seed_repeats_the_text_and_another_changes_it(model: GPT, letters: Tokenizer) -> None:
    def written(seed: int) -> str:
        return generate(model, letters, "abc", max_new_tokens=LONG, sampling=SamplingConfig(seed=seed)).text

    assert written(1) == written(1) != written(2)


def test_the_global_random_state_neither_matters_nor_changes(model: GPT, letters: Tokenizer) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = generate(model, letters, "abc", max_new_tokens=10).text
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert generate(model, letters, "abc", max_new_tokens=10).text == first


def test_steps_join_to_the_decoded_ids(letters: Tokenizer, pairs: Tokenizer) -> None:
    for tokenizer in (letters, pairs):
        model = random_model("gpt", tokenizer.vocab_size)
        generated = generate(model, tokenizer, "", max_new_tokens=LONG)
        assert generated.text == tokenizer.decode(generated.token_ids)


def test_each_step_tells_how_likely_its_token_was(model: GPT, letters: Tokenizer) -> None:
    ids = letters.encode("ab")
    for step in stream(model, letters, "ab", max_new_tokens=6, sampling=SamplingConfig(top_k=3), top=4):
        with torch.no_grad():
            expected = model(torch.tensor([ids])).logits[0, -1].softmax(-1)
        assert step.probability == pytest.approx(float(expected[step.token_id]), rel=1e-4)
        assert step.distribution is not None
        assert step.distribution.kept == [True, True, True, False]
        assert dict(step.top)[step.token_id] == pytest.approx(step.probability)
        ids.append(step.token_id)


def test_candidates_come_only_when_asked_for(model: GPT, letters: Tokenizer) -> None:
    step = next(stream(model, letters, "ab", max_new_tokens=1))
    assert step.distribution is None
    assert step.top == []


def test_a_stop_string_ends_the_text_and_stays_out_of_it(model: GPT, letters: Tokenizer) -> None:
    free = generate(model, letters, "ab", max_new_tokens=LONG).text
    stop = free[7:10]
    stopped = generate(model, letters, "ab", max_new_tokens=LONG, stop=[stop])
    assert stopped.text == free[: free.index(stop)]
    assert letters.decode(stopped.token_ids) == stopped.text + stop


def test_without_its_stop_string_nothing_is_held_back_at_the_end(model: GPT, letters: Tokenizer) -> None:
    free = generate(model, letters, "ab", max_new_tokens=10).text
    assert generate(model, letters, "ab", max_new_tokens=10, stop=[free[-2:] + "never"]).text == free


def test_the_end_of_text_token_ends_the_text(model: GPT, letters: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    free = generate(model, letters, "ab", max_new_tokens=LONG)
    monkeypatch.setattr(letters, "eos_id", free.token_ids[8])
    first = free.token_ids.index(letters.eos_id)
    ended = generate(model, letters, "ab", max_new_tokens=LONG)
    assert ended.token_ids == free.token_ids[: first + 1]
    assert ended.text == letters.decode(free.token_ids[:first])


def test_dropout_is_off_while_writing_and_on_again_after(letters: Tokenizer) -> None:
    model = random_model("gpt", letters.vocab_size)
    expected = generate(model, letters, "ab", max_new_tokens=10, sampling=SamplingConfig(temperature=0)).text
    model.dropout.p = 0.5
    model.train()
    assert generate(model, letters, "ab", max_new_tokens=10, sampling=SamplingConfig(temperature=0)).text == expected
    assert model.training


def test_a_reader_may_leave_in_the_middle(model: GPT, letters: Tokenizer) -> None:
    steps = stream(model, letters, "ab", max_new_tokens=10)
    next(steps)
    assert not torch.is_inference_mode_enabled()
    steps.close()


def test_mistakes_are_told_before_the_first_token(model: GPT, letters: Tokenizer) -> None:
    with pytest.raises(LearnerError, match="Ω"):
        stream(model, letters, "Ω", max_new_tokens=5)
    with pytest.raises(LearnerError) as caught:
        stream(model, letters, "a", max_new_tokens=0)
    assert caught.value.phrase == "generation.max_new_tokens"
    with pytest.raises(LearnerError):
        stream(model, letters, "a", max_new_tokens=5, stop=[""])


def test_settings_can_be_read_without_torch() -> None:
    code = "import sys, llmlab.generation as g; g.SamplingConfig(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=Path(llmlab.__file__).parents[1], check=True)
