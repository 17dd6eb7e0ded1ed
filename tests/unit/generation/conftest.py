"""A small model of each style with random weights, and a tokenizer for it."""

import pytest
import torch

from llmlab.models.gpt import GPT
from llmlab.models.gpt_config import GPTConfig
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

CONTEXT = 12


def random_model(style: str, vocab_size: int, *, seed: int = 0, context_length: int = CONTEXT) -> GPT:
    """Weights large enough that the model has opinions: fresh ones predict nearly uniformly."""
    torch.manual_seed(seed)
    config = GPTConfig(
        style=style,
        vocab_size=vocab_size,
        context_length=context_length,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2 if style == "gpt" else 4,
        d_model=32,
    )
    model = GPT(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model.eval()


@pytest.fixture(scope="session")
def letters() -> Tokenizer:
    return train_tokenizer("char", "\n abcdefghijklmnop")


@pytest.fixture(scope="session")
def pairs() -> Tokenizer:
    return train_tokenizer("bpe", "春眠不觉晓，处处闻啼鸟。" * 3, vocab_size=262)


@pytest.fixture(params=["gpt", "gpt2"])
def model(request: pytest.FixtureRequest, letters: Tokenizer) -> GPT:
    return random_model(request.param, letters.vocab_size)
