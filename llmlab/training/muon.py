"""Muon (Jordan et al. 2024): momentum, made orthogonal, so that a step moves all directions of a matrix alike.

A gradient is dominated by a few directions. Muon replaces the momentum U S Vᵀ by about U Vᵀ: every direction that the
gradient has at all gets a step of the same size. Five rounds of the Newton–Schulz iteration come close enough and need
only matrix products. All matrices of one shape go through it together, as one batch: on a CPU this takes half as long
as one after the other. `torch.optim.Muon` is the authority that the tests compare with.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.775, 2.0315)
"""a x + b x³ + c x⁵, five times, takes singular values between 0.01 and 1 to between 0.7 and 1.2 (Jordan et al.)."""
ROUNDS = 5
EPS = 1e-7


def orthogonal(matrices: Float[Tensor, "n rows columns"]) -> Float[Tensor, "n rows columns"]:
    """About U Vᵀ for each matrix U S Vᵀ, in bfloat16. Rows ≤ columns is cheaper than the other way round."""
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=EPS)  # now no singular value is above 1
    for _ in range(ROUNDS):
        gram = torch.bmm(x, x.mT)  # (n, rows, rows)
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, factor, x, beta=a)
    return x


class Muon:
    """Muon with Nesterov momentum for matrices; steps are scaled to the size of AdamW's (Liu et al. 2025).

    `param_groups`, `state` and `step` are those of a `torch.optim.Optimizer`, without what that loads: torch's
    compiler, which takes some seconds.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], *, lr: float, momentum: float, weight_decay: float) -> None:
        self.param_groups: list[dict[str, Any]] = [
            {"params": list(matrices), "lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        ]
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault((min(parameter.shape), max(parameter.shape)), []).append(parameter)
            for parameters in alike.values():
                towards = torch.stack([lying(self.remember(p, group["momentum"])) for p in parameters])
                for parameter, update in zip(parameters, orthogonal(towards), strict=True):
                    move(parameter, update if is_lying(parameter) else update.mT, group)

    def remember(self, parameter: Tensor, momentum: float) -> Tensor:
        """Add the gradient to what is remembered of earlier ones; the direction that comes of it (Nesterov)."""
        gradient = parameter.grad
        assert gradient is not None
        kept = self.state.setdefault(parameter, {})
        if "momentum_buffer" not in kept:
            kept["momentum_buffer"] = torch.zeros_like(gradient)
        remembered = kept["momentum_buffer"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(remembered, momentum)


def is_lying(matrix: Tensor) -> bool:
    """Whether it is at least as wide as it is high."""
    return matrix.shape[0] <= matrix.shape[1]


def lying(matrix: Tensor) -> Tensor:
    """Turned so that rows ≤ columns."""
    return matrix if is_lying(matrix) else matrix.mT


def move(parameter: Tensor, update: Tensor, group: dict[str, Any]) -> None:
    """Decay the weights, then step: an orthogonal matrix times 0.2 √(longer side) is as large as AdamW's usual step."""
    parameter.mul_(1 - group["lr"] * group["weight_decay"])
    parameter.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(max(parameter.shape)))
