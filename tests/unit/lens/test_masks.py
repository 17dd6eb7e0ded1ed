import pytest
import torch

from llmlab.lens.masks import causal_and_full
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace

SIZES = {"vocab_size": 40, "context_length": 16, "n_layers": 2, "n_heads": 2, "d_model": 16}


@pytest.mark.parametrize("family", ["gpt", "bert"])
def test_the_models_own_mask_gives_the_models_own_weights(family: str) -> None:
    torch.manual_seed(0)
    model = GPT(GPTConfig(**SIZES)) if family == "gpt" else Bert(BertConfig(**SIZES))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    left = trace(model, torch.randint(0, 40, (1, 9)))
    causal, full = causal_and_full(left, layer=1, head=1)
    own, other = (causal, full) if family == "gpt" else (full, causal)
    torch.testing.assert_close(own, left.layers[1].attention.weights[0, 1])
    assert float((other - own).abs().max()) > 0.01
    assert not causal.triu(1).any()
    assert (full > 0).all()
    torch.testing.assert_close(causal, full.tril() / full.tril().sum(-1, keepdim=True))


def test_without_the_scale_scores_are_bare_products() -> None:
    torch.manual_seed(0)
    model = GPT(GPTConfig(**SIZES))
    torch.nn.init.normal_(model.token_embedding.weight, std=0.3)
    left = trace(model, torch.randint(0, 40, (1, 9)))
    attention = left.layers[0].attention
    _, full = causal_and_full(left, layer=0, head=1, scaled=False)
    torch.testing.assert_close(full, (attention.query[0, 1] @ attention.key[0, 1].T).softmax(-1))
