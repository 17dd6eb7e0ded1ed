"""Linear layers with weights of eight bits (Jacob et al. 2018): a quarter of the memory to read for each token.

Each row of the matrix is kept as whole numbers between −127 and 127 with one scale of its own. What is multiplied with
it is rounded to eight bits too, with one scale for each token (dynamic quantisation), so that the product is one of
whole numbers. `torch` has the kernels; they know one scale for the call, so that tokens are brought to one length
before. Some tokens of published models are a hundred times as large as others: under one scale these would be lost.

What the second map of a feed-forward network reads is not normed: a few of its numbers are far larger than the rest. It
is rounded in two parts, the second being what the first lost, as two rows of one product (`Int8Linear(…, parts=2)`).
"""

import copy
import warnings
from typing import Literal, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llmlab.i18n import LearnerError
from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU

LARGEST = 127


class Int8Linear(nn.Module):
    """y = x Wᵀ + b with W rounded to eight bits a number. For reading only: it learns nothing."""

    bias: Tensor | None

    def __init__(self, linear: nn.Linear, parts: Literal[1, 2] = 1) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        bias = linear.bias.detach().float() if linear.bias is not None else None
        scales = (weight.abs().amax(dim=1) / LARGEST).clamp_min(torch.finfo(torch.float32).tiny)  # one an output
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces that its quantised tensors will move to a library
            rounded = torch.quantize_per_channel(
                weight, scales.double(), torch.zeros(len(weight), dtype=torch.long), axis=0, dtype=torch.qint8
            )
        self._packed = torch.ops.quantized.linear_prepack(rounded, None)
        self.register_buffer("bias", bias)
        # kernels without these instructions add two products in sixteen bits, and would overflow with eight bits for x
        self._seven_bits = not torch.cpu.get_capabilities().get("avx512_vnni", False)
        self._levels = 64 if self._seven_bits else 128
        self._parts = parts
        self.in_features, self.out_features = linear.in_features, linear.out_features

    def forward(self, x: Float[Tensor, "*any inputs"]) -> Float[Tensor, "*any outputs"]:
        if self._parts == 2:
            y = self._in_two_parts(x)
        elif x.numel() == self.in_features:  # one token: the call's scale is its own
            y = self._product(x)
        else:
            largest = x.abs().amax(dim=-1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
            y = self._product(x / largest).mul_(largest)
        return y if self.bias is None else y.add_(self.bias)

    def _in_two_parts(self, x: Float[Tensor, "*any inputs"]) -> Float[Tensor, "*any outputs"]:
        """W x = W (first + second): the extremes of the two, −1 and 1 − 1/levels, make the kernel's step 1/levels
        exactly, so that what the first part loses is known beforehand.
        """
        x = x.detach()
        rows = x.new_empty((2, *x.shape))
        first, second = rows
        size = _extreme(x) * (self._levels / (self._levels - 1))
        torch.div(x, size, out=first)
        torch.mul(first, self._levels, out=second).round_().div_(-self._levels).add_(first)
        rest = -_extreme(second)
        second /= rest
        y = self._product(rows)
        return torch.addcmul(y[0], y[1], rest).mul_(size)

    def _product(self, x: Tensor) -> Tensor:
        y: Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, reduce_range=self._seven_bits)
        return y

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}"


def _extreme(x: Float[Tensor, "*any n"]) -> Float[Tensor, "*any 1"]:
    """The number farthest from zero in each row, with its sign; 1 in a row of zeros."""
    found = x.gather(-1, x.abs().argmax(dim=-1, keepdim=True))
    return torch.where(found == 0, 1, found)


Model = TypeVar("Model", bound=nn.Module)


def in_int8(model: Model) -> Model:
    """The same model with its linear layers in eight bits, in eval mode; what stays as it was shares its memory.

    Raises LearnerError `model.int8_device` unless the model is float32 on a CPU, `model.int8_engine` where torch was
    built without kernels for products of eight bits.
    """
    if torch.backends.quantized.engine == "none":
        raise LearnerError("model.int8_engine")
    if any(p.device.type != "cpu" or p.dtype != torch.float32 for p in model.parameters()):
        raise LearnerError("model.int8_device")
    kept = [*model.parameters(), *model.buffers()]
    twin = copy.deepcopy(model, {id(tensor): tensor for tensor in kept}).eval()
    for parent in list(twin.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                not_normed = isinstance(parent, GeluFeedForward | SwiGLU) and name == "down"
                setattr(parent, name, Int8Linear(child, parts=2 if not_normed else 1))
    return twin
