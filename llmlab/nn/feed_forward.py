"""Two feed-forward networks: GPT-2's and BERT's with GELU (Hendrycks & Gimpel 2016), and SwiGLU (Shazeer 2020)."""

from typing import Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from llmlab.nn.precision import factor
from llmlab.nn.record import Record


class GeluFeedForward(nn.Module):
    """Widen, bend, narrow: GELU(x W₁) W₂.

    `approximate`: GPT-2 was trained with a tanh close to GELU, BERT ("none") with GELU itself.
    """

    def __init__(
        self, d_model: int, d_ff: int, *, bias: bool = True, approximate: Literal["tanh", "none"] = "tanh"
    ) -> None:
        super().__init__()
        self.approximate = approximate
        self.up = nn.Linear(d_model, d_ff, bias=bias)
        self.down = nn.Linear(d_ff, d_model, bias=bias)

    def forward(
        self, x: Float[Tensor, "batch seq d_model"], *, record: Record | None = None
    ) -> Float[Tensor, "batch seq d_model"]:
        hidden = self.up(x)  # (batch, seq, d_ff)
        activation = F.gelu(hidden, approximate=self.approximate)
        y: Tensor = self.down(activation)
        if record is not None:
            record("hidden", hidden, "batch seq d_ff", r"h = x W_1 + b_1" if self.up.bias is not None else r"h = x W_1")
            record("activation", activation, "batch seq d_ff", r"g = \operatorname{GELU}(h)")
            record("output", y, "batch seq d_model", r"f = g W_2 + b_2" if self.up.bias is not None else r"f = g W_2")
        return y


class SwiGLU(nn.Module):
    """A gate decides how much of each hidden unit passes: (SiLU(x W_g) ⊙ x W_u) W_d."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.up = nn.Linear(d_model, d_ff, bias=False)
        self.down = nn.Linear(d_ff, d_model, bias=False)

    def forward(
        self, x: Float[Tensor, "batch seq d_model"], *, record: Record | None = None
    ) -> Float[Tensor, "batch seq d_model"]:
        x = factor(x)
        gate, up = self.gate(x), self.up(x)  # (batch, seq, d_ff) each
        activation = F.silu(gate) * up
        y: Tensor = self.down(activation)
        if record is not None:
            record("gate", gate, "batch seq d_ff", r"g = x W_g")
            record("up", up, "batch seq d_ff", r"u = x W_u")
            record("activation", activation, "batch seq d_ff", r"h = \operatorname{SiLU}(g) \odot u")
            record("output", y, "batch seq d_model", r"f = h W_d")
        return y
