"""Loading what the first step of a training would otherwise wait for."""

import torch

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.training import loop, optimizers
from llmlab.training.config import TrainConfig
from llmlab.training.objectives import next_token_loss


def warm() -> None:
    """Take one step with a model of no consequence: this loads torch's optimizers and kernels."""
    assert loop is not None
    torch.set_num_threads(1)
    config = TrainConfig(corpus="", layers=1, heads=1, width=8, context=8)
    model = GPT(GPTConfig(vocab_size=8, context_length=8, n_layers=1, n_heads=1, d_model=8))
    ids = torch.zeros(1, 8, dtype=torch.long)
    next_token_loss(model(ids).logits, ids).backward()
    for optimizer in optimizers.build(model, config):
        optimizer.step()
