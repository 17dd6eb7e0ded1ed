"""Decoding against transformers: each filter and their combination, and greedy text from the same weights."""

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from llmlab.generation import SamplingConfig, filter_logits, generate
from llmlab.hub import to_hf
from llmlab.models.gpt import GPT
from llmlab.models.gpt_config import GPTConfig
from llmlab.text.tokenizer import train_tokenizer

TOKENS = "\n abcdefghijklmnopqrstuvwxyz"


def theirs(logits: Tensor, config: SamplingConfig, previous_ids: list[int]) -> Tensor:
    """What `generate(do_sample=True)` makes of the logits, with its order of processors."""
    processors = LogitsProcessorList()
    if config.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(config.repetition_penalty))
    if config.temperature != 1:
        processors.append(TemperatureLogitsWarper(config.temperature))
    if config.top_k is not None:
        processors.append(TopKLogitsWarper(config.top_k))
    if config.top_p is not None:
        processors.append(TopPLogitsWarper(config.top_p))
    if config.min_p is not None:
        processors.append(MinPLogitsWarper(config.min_p))
    return processors(torch.tensor([previous_ids]), logits[None])[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.7},
        {"top_k": 7},
        {"top_k": 500},
        {"top_p": 0.8},
        {"top_p": 0.05},
        {"min_p": 0.1},
        {"min_p": 1.0},
        {"repetition_penalty": 1.3},
        {"repetition_penalty": 0.8},
        {"temperature": 1.4, "top_k": 40, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.1},
        {"temperature": 0.3, "top_k": 3, "top_p": 0.99},
        {"top_p": 0.5, "min_p": 0.3},
    ],
)
def test_filters_give_the_probabilities_of_transformers(settings: dict[str, float], dtype: torch.dtype) -> None:
    config = SamplingConfig(**settings)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        logits = 3 * torch.randn(200, generator=generator, dtype=dtype)
        previous_ids = torch.randint(200, (30,), generator=generator).tolist()
        ours, expected = filter_logits(logits, config, previous_ids), theirs(logits, config, previous_ids)
        assert torch.equal(ours == -torch.inf, expected == -torch.inf)
        torch.testing.assert_close(ours.softmax(-1), expected.softmax(-1), atol=1e-7, rtol=1e-5)


def opinionated(style: str, vocab_size: int, seed: int) -> GPT:
    """Random weights; `llama` is `gpt` without QK-norm."""
    torch.manual_seed(seed)
    config = GPTConfig(
        style="gpt2" if style == "gpt2" else "gpt",
        vocab_size=vocab_size,
        context_length=48,
        n_layers=2,
        n_heads=4,
        n_kv_heads=4 if style == "gpt2" else 2,
        d_model=32,
        tie_embeddings=False,  # tied random weights tend to repeat the last token for ever
        qk_norm=style == "gpt",
    )
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


@pytest.mark.parametrize("repetition_penalty", [1.0, 1.3])
@pytest.mark.parametrize("style", ["gpt", "gpt2", "llama"])
def test_greedy_text_is_that_of_transformers(style: str, repetition_penalty: float) -> None:
    tokenizer = train_tokenizer("char", TOKENS)
    sampling = SamplingConfig(temperature=0, repetition_penalty=repetition_penalty)
    prompt = "to be or not"
    used: set[int] = set()
    for seed in range(3):
        model = opinionated(style, tokenizer.vocab_size, seed)
        expected = to_hf(model).generate(
            torch.tensor([tokenizer.encode(prompt)]),
            max_new_tokens=36,
            do_sample=False,
            repetition_penalty=repetition_penalty,
            eos_token_id=None,
            pad_token_id=0,
        )[0, len(prompt) :]
        ours = generate(model, tokenizer, prompt, max_new_tokens=36, sampling=sampling)
        assert ours.token_ids == expected.tolist()
        used.update(ours.token_ids)
    assert len(used) > 3  # a model that repeats one token would agree with anything
