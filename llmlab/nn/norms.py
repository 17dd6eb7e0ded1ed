"""Root-mean-square normalisation (Zhang & Sennrich 2019). Layer normalisation is `torch.nn.LayerNorm`."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / √(mean(x²) + ε) · g over the last axis: LayerNorm without its mean and its bias.

    The mean square is taken in float32 whatever the model's dtype, as Llama's and Qwen's authors do.
    """

    def __init__(self, size: int, *, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*any size"]) -> Float[Tensor, "*any size"]:
        learning = self.training and torch.is_grad_enabled()
        if learning and x.device.type == "cpu" and self.weight.dtype == torch.float32:
            normed: Tensor = _Normed.apply(x, self.weight, self.eps)[0]  # type: ignore[no-untyped-call]
            return normed
        if x.dtype == torch.float32:
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}, eps={self.eps}"


class _Normed(torch.autograd.Function):
    """The same with its backward pass written out: a third of the element-by-element work of torch's own on a CPU.

    With r = 1/√(mean(x²) + ε) and x̂ = r x, the gradient of x is r (g ⊙ dy − x̂ · mean(g ⊙ dy ⊙ x̂)).
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, gain: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        x = x.float()
        r = torch.rsqrt(torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1] + eps)
        unit = x * r
        return unit * gain, unit, r

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        _, unit, r = output
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(unit, inputs[1], r)
        ctx.given = inputs[0].dtype

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, dunit: Tensor | None, dr: Tensor | None) -> tuple[Any, ...]:
        """x̂ and r are results only so that the gradient has a gradient: otherwise `dunit` and `dr` are None."""
        unit, gain, r = ctx.saved_tensors
        dx: Any = 0.0
        dgain = None
        if dy is not None:
            product = dy * unit
            along = (product @ gain / -gain.numel()).unsqueeze(-1)
            dx, dgain = torch.addcmul(dy * gain, unit, along) * r, product.flatten(0, -2).sum(0)
        if dunit is not None:
            dx = dx + (dunit - unit * (dunit * unit).mean(-1, keepdim=True)) * r
        if dr is not None:
            dx = dx - unit * (dr * r.square() / gain.numel())
        return dx.to(ctx.given), dgain, None
