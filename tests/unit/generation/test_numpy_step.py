"""A step in numpy gives the logits of the model's own forward pass, and leaves the same keys and values behind."""

import pytest
import torch
from torch import nn

from llmlab.generation import SamplingConfig, generate
from llmlab.generation.numpy_step import NumpyStep, can_step
from llmlab.generation.reading import Reader
from llmlab.models.gpt import GPT
from llmlab.models.gpt_config import GPTConfig
from llmlab.nn.int8 import in_int8
from llmlab.text.tokenizer import Tokenizer

from .conftest import random_model

CONFIGS = {
    "gpt": {},
    "grouped heads": {"n_kv_heads": 2},
    "one key-value head, untied": {"n_kv_heads": 1, "tie_embeddings": False},
    "without QK-norm": {"qk_norm": False},
    "wide heads": {"head_dim": 24},
    "gpt2": {"style": "gpt2"},
    "gpt2, untied, without bias": {"style": "gpt2", "bias": False, "tie_embeddings": False},
}


def model_of(**settings: object) -> GPT:
    torch.manual_seed(0)
    shape = {"vocab_size": 50, "context_length": 12, "n_layers": 3, "n_heads": 4, "d_model": 32} | settings
    model = GPT(GPTConfig(**shape)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


@pytest.mark.parametrize("name", CONFIGS)
@torch.inference_mode()
def test_logits_keys_and_values_are_those_of_the_forward_pass(name: str) -> None:
    model = model_of(**CONFIGS[name])
    assert can_step(model)
    ours, theirs = model.new_cache(1), model.new_cache(1)
    step = NumpyStep(model, ours)
    ids = torch.randint(50, (12,), generator=torch.Generator().manual_seed(1))
    for cache in (ours, theirs):
        model(ids[None, :3], cache=cache)
    for i in range(3, 12):
        expected = model(ids[None, i : i + 1], cache=theirs).logits[0, -1]
        torch.testing.assert_close(torch.from_numpy(step(int(ids[i]))), expected, atol=2e-5, rtol=2e-5)
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        torch.testing.assert_close(a.keys, b.keys, atol=2e-5, rtol=2e-5)
        torch.testing.assert_close(a.values, b.values, atol=2e-5, rtol=2e-5)
    assert ours.length == theirs.length == 12


@torch.inference_mode()
def test_it_reads_the_models_own_memory() -> None:
    model = model_of()
    step = NumpyStep(model, cache := model.new_cache(1))
    before = step(7)
    model.blocks[1].attention.output.weight *= 2
    cache.truncate(0)
    torch.testing.assert_close(torch.from_numpy(step(7)), model(torch.tensor([[7]])).logits[0, 0])
    assert abs(before - step(7)).max() > 1e-3


def test_a_reader_steps_over_one_token_and_passes_over_more(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of()
    stepped, passed = [], []
    step, forward = NumpyStep.__call__, GPT.forward
    monkeypatch.setattr(NumpyStep, "__call__", lambda self, i: stepped.append(i) or step(self, i))
    monkeypatch.setattr(GPT, "forward", lambda self, i, **k: passed.append(i.shape[1]) or forward(self, i, **k))
    reader, ids = Reader(model, longest=40), [3, 1, 2]
    for _ in range(12):
        reader.next_logits(ids)
        ids.append(1)
    assert passed == [3, 6]  # the prompt, and half a context when the window slid
    assert len(stepped) == 10


def test_what_it_does_not_know_goes_the_plain_way() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    assert not can_step(model_of().double())
    assert not can_step(model_of().bfloat16())
    other = model_of()
    other.blocks[0].feed_forward.down = Doubled(88, 32, bias=False)
    assert not can_step(other)
    hooked = model_of()
    hooked.blocks[1].register_forward_hook(lambda *_: None)
    assert not can_step(hooked)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_greedy_text_does_not_depend_on_the_way(dtype: torch.dtype, letters: Tokenizer) -> None:
    model = random_model("gpt", letters.vocab_size).to(dtype)
    greedy = SamplingConfig(temperature=0)
    with_cache, without = (
        generate(model, letters, "abc", max_new_tokens=8, sampling=greedy, use_cache=use_cache)
        for use_cache in (True, False)
    )
    assert with_cache.token_ids == without.token_ids


@torch.inference_mode()
@pytest.mark.parametrize("style", ["gpt", "gpt2"])
def test_with_weights_of_eight_bits_too(style: str) -> None:
    model = in_int8(model_of(style=style))
    assert can_step(model)
    step, cache = NumpyStep(model, model.new_cache(1)), model.new_cache(1)
    for token_id in (5, 3, 9, 9):
        expected = model(torch.tensor([[token_id]]), cache=cache).logits[0, -1]
        # rounding to eight bits may fall to the other side where float32 differs in its last digit
        torch.testing.assert_close(torch.from_numpy(step(token_id)), expected, atol=0.05, rtol=0.05)


@pytest.mark.filterwarnings("error")
def test_large_numbers_are_no_reason_to_warn() -> None:
    model = model_of()
    with torch.no_grad():
        model.blocks[0].feed_forward.gate.weight *= 1e4  # e to such a number is beyond float32
    step, theirs = NumpyStep(model, model.new_cache(1)), model.new_cache(1)
    expected = model(torch.tensor([[7]]), cache=theirs).logits[0, -1].detach()
    torch.testing.assert_close(torch.from_numpy(step(7)), expected, atol=1e-3, rtol=1e-3)
