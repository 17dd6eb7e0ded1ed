"""Rotary position embedding (Su et al. 2021, "RoFormer").

Each pair of coordinates (i, i + head_dim/2) of a query or key is turned by the angle position · θ^(−2i/head_dim), so
that the product of a query and a key depends on the distance between them. Pairing the two halves, rather than
neighbours, is how Llama's and Qwen's published weights are laid out.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class RotaryTable(nn.Module):
    """Cosines and sines of the angles of every position, computed once in float32."""

    cos: Tensor
    sin: Tensor

    def __init__(self, head_dim: int, context_length: int, *, theta: float) -> None:
        super().__init__()
        self.head_dim, self.context_length, self.theta = head_dim, context_length, theta
        cos, sin = self._table(torch.device("cpu"))
        self.register_buffer("cos", cos, persistent=False)  # (context, head_dim / 2)
        self.register_buffer("sin", sin, persistent=False)

    def _table(self, device: torch.device) -> tuple[Tensor, Tensor]:
        exponents = torch.arange(0, self.head_dim, 2, dtype=torch.float32, device=device) / self.head_dim
        frequencies = 1.0 / (self.theta**exponents)
        angles = torch.arange(self.context_length, dtype=torch.float32, device=device)[:, None] * frequencies
        return angles.cos(), angles.sin()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "RotaryTable":
        # A cast of the model to bfloat16 and back must not blur the angles: made anew in float32 on each move.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.cos.device.type != "meta":
            self.cos, self.sin = self._table(self.cos.device)
        return self

    def forward(
        self, start: int, length: int, dtype: torch.dtype
    ) -> tuple[Float[Tensor, "length half"], Float[Tensor, "length half"]]:
        """(cos, sin) of positions start … start + length − 1."""
        return self.cos[start : start + length].to(dtype), self.sin[start : start + length].to(dtype)


def rotate(
    x: Float[Tensor, "batch heads seq head_dim"], cos: Float[Tensor, "seq half"], sin: Float[Tensor, "seq half"]
) -> Float[Tensor, "batch heads seq head_dim"]:
    """Turn each pair (first half, second half) of x by its position's angle."""
    if x.requires_grad and x.device.type == "cpu":
        turned: Tensor = _Rotated.apply(x, cos, sin)  # type: ignore[no-untyped-call]
        return turned
    return _turned(x, cos, sin)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class _Rotated(torch.autograd.Function):
    """The same for training: what a rotation did to x, the rotation by the opposite angle does to its gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return _turned(x, cos, sin)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turned(dy, cos, -sin), None, None
