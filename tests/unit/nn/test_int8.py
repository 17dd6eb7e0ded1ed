from typing import Literal

import pytest
import torch
from torch import nn

from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.nn.int8 import Int8Linear, in_int8


@pytest.mark.parametrize("bias", [True, False])
def test_the_weights_are_those_of_torchs_own_quantiser(bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(40, 24, bias=bias)
    with torch.no_grad():
        linear.weight[3] *= 100  # a scale for each output: a large one does not blur the others
    inputs = torch.eye(40)
    read = Int8Linear(linear)(inputs)  # column after column of the matrix
    observer = torch.ao.quantization.PerChannelMinMaxObserver(dtype=torch.qint8, qscheme=torch.per_channel_symmetric)
    observer(linear.weight)
    scales, zeros = observer.calculate_qparams()
    expected = torch.quantize_per_channel(linear.weight, scales, zeros, 0, torch.qint8).dequantize()
    steps = scales if linear.bias is None else scales + 1e-6
    difference = (read - (linear.bias if bias else 0) - expected.T).abs()
    assert (difference <= steps).all()
    error = (read - linear(inputs)).abs().amax(0)
    assert (error <= 0.51 * linear.weight.abs().amax(1) / 127 + 1e-5).all()


def test_each_token_has_a_scale_of_its_own() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(40, 24)
    tokens = torch.randn(2, 3, 40)
    tokens[1, 2] *= 1000  # a large one does not blur the others
    alone = torch.stack([Int8Linear(linear)(token[None])[0] for token in tokens.flatten(0, 1)]).view(2, 3, 24)
    together = Int8Linear(linear)(tokens)
    size = alone.abs().amax(-1, keepdim=True)
    assert ((together - alone).abs() <= 0.02 * size).all()
    assert ((together - linear(tokens)).abs() <= 0.04 * size).all()


@pytest.mark.parametrize("parts", [1, 2])
def test_a_row_of_zeros_stays_zero(parts: Literal[1, 2]) -> None:
    linear = nn.Linear(8, 4, bias=False)
    assert torch.equal(Int8Linear(linear, parts)(torch.zeros(2, 8)), torch.zeros(2, 4))
    nn.init.zeros_(linear.weight)
    assert torch.equal(Int8Linear(linear, parts)(torch.ones(2, 8)), torch.zeros(2, 4))


@pytest.mark.parametrize("seven_bits", [False, True])
@pytest.mark.parametrize("shape", [(1, 40), (40,), (2, 3, 40)])
def test_what_is_read_in_two_parts_is_read_almost_exactly(shape: tuple[int, ...], seven_bits: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(40, 24)
    x = torch.randn(shape)
    x[..., 7] = -300  # under one step for all, the rest would be lost
    two = Int8Linear(linear, parts=2)
    if seven_bits:
        two._seven_bits, two._levels = True, 64
    exact = two._packed.unpack()[0].dequantize()
    reach = 300 * exact.abs().sum(dim=1).max().item() / two._levels**2 / 2  # half a step of the second part each
    torch.testing.assert_close(two(x), x @ exact.T + linear.bias, atol=reach, rtol=1e-5)


def test_the_rest_of_the_model_is_shared_and_the_original_left_alone() -> None:
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=30, d_model=32, n_layers=2)).eval()
    ids = torch.randint(30, (2, 9))
    before = model(ids).logits
    small = in_int8(model)
    assert small.token_embedding.weight is model.token_embedding.weight
    assert sum(isinstance(m, Int8Linear) for m in small.modules()) == 2 * 7 + 1
    assert torch.equal(model(ids).logits, before)
    logits = small(ids).logits
    assert not torch.equal(logits, before)
    torch.testing.assert_close(logits, before, atol=0.02, rtol=0.02)


def test_only_float32_on_a_cpu() -> None:
    with pytest.raises(LearnerError, match="float32"):
        in_int8(GPT(GPTConfig(vocab_size=30, d_model=32, n_layers=1)).double())


def test_a_torch_without_kernels_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(torch.backends.quantized), "engine", "none")
    with pytest.raises(LearnerError, match="no kernels"):
        in_int8(GPT(GPTConfig(vocab_size=30, d_model=32, n_layers=1)))
