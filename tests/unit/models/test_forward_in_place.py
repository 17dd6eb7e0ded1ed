import numpy as np
import pytest
import torch
from torch import nn

from llmlab.hub import to_hf
from llmlab.models import scoring
from llmlab.models.forward_in_place import ForwardInPlace, can_read_in_place
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.scoring import validation_loss
from llmlab.nn.int8 import in_int8

SHAPES = {
    "as usual": {},
    "shared keys and values": {"n_kv_heads": 2},
    "Llama": {"qk_norm": False, "tie_embeddings": False},
    "heads of their own width": {"head_dim": 6, "n_kv_heads": 1},
}


def random_gpt(**shape: object) -> GPT:
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=11, context_length=12, n_layers=2, d_model=32, **shape)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_logits_are_those_of_transformers(shape: dict[str, object]) -> None:
    model = random_gpt(**shape)
    read = ForwardInPlace(model, tokens=36)
    for size in ((3, 12), (1, 1), (4, 7)):  # less than there is room for, too
        ids = torch.randint(0, 11, size)
        with torch.no_grad():
            torch.testing.assert_close(read(ids), to_hf(model)(ids).logits, rtol=1e-5, atol=1e-5)


def test_scoring_takes_this_way_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_gpt()
    ids = np.random.default_rng(0).integers(0, 11, 100)
    found = validation_loss(model, ids)
    assert can_read_in_place(model)
    monkeypatch.setattr(scoring, "can_read_in_place", lambda model: False)
    assert found == pytest.approx(validation_loss(model, ids), rel=1e-6)
    monkeypatch.setattr(scoring, "can_read_in_place", lambda model: True)
    monkeypatch.setattr(ForwardInPlace, "__call__", lambda read, x: torch.zeros(*x.shape, 11))
    assert validation_loss(model, ids) == pytest.approx(np.log(11))


def test_what_it_does_not_know_is_left_to_the_model() -> None:
    classic = GPT(GPTConfig(style="gpt2", vocab_size=11, n_layers=1, d_model=16, n_heads=2))
    hooked, exchanged = random_gpt(), random_gpt()
    hooked.blocks[0].register_forward_hook(lambda *_: None)
    exchanged.blocks[1].feed_forward_norm = nn.LayerNorm(32)
    for model in (classic, hooked, exchanged, random_gpt().double(), in_int8(random_gpt())):
        assert not can_read_in_place(model)
