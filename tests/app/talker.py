"""A model with a chat template that opens in no time, and whose answers mean nothing."""

from pathlib import Path

import torch

from llmlab import hub
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer

TEMPLATE = "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}a:"


def save_talker(folder: Path) -> None:
    tokenizer = train_tokenizer("char", "abcdsu:;? **![x](y)")
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=1, context_length=600))
    hub.save(model, tokenizer, folder)
