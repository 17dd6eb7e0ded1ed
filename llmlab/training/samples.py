"""What the model writes while it learns: the same prompt and the same seed at steps further and further apart."""

import numpy as np
import torch
from torch import Tensor

from llmlab.generation.reading import Reader
from llmlab.models.build import Model
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer

TEMPERATURE = 0.8
PROMPT = 8


def due(step: int) -> bool:
    """Whether a sample, and a look inside, belongs to this step: 1, 25, 50, 100, 200, 400 …"""
    return step == 1 or (step % 25 == 0 and (step // 25).bit_count() == 1)


def prompt(tokenizer: Tokenizer, val_ids: np.ndarray) -> list[int]:
    """The first tokens of the first whole line of the validation text."""
    ids = [int(i) for i in val_ids[:2000]]
    start = next((i + 1 for i, shown in enumerate(tokenizer.token_texts(ids)) if shown.endswith("⏎")), 0)
    return ids[start : start + PROMPT] or ids[:PROMPT]


def write(model: Model, prompt_ids: list[int], n_tokens: int, seed: int) -> list[int]:
    """`n_tokens` ids that follow the prompt, by a generator of their own. Leaves the model in the mode it was in."""
    assert isinstance(model, GPT)
    was_training = model.training
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    ids = list(prompt_ids)
    reader = Reader(model, longest=len(ids) + n_tokens)
    for _ in range(n_tokens):
        ids.append(_draw(reader.next_logits(ids), generator))
    model.train(was_training)
    return ids[len(prompt_ids) :]


def _draw(logits: Tensor, generator: torch.Generator) -> int:
    probabilities = torch.softmax(logits / TEMPERATURE, dim=-1)
    return int(torch.multinomial(probabilities, 1, generator=generator))
