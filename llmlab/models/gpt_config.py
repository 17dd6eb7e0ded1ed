"""The shape of a GPT, in words that hold for both of its dresses. Imports no torch, so that the app can plan with it.

`gpt2` is Radford et al. 2019: learned positions, LayerNorm, GELU, biases. `gpt` is what followed: rotary positions,
RMSNorm, SwiGLU, QK-norm and grouped-query heads (Qwen3; without QK-norm, Llama).
"""

from dataclasses import dataclass
from typing import Literal

from llmlab.i18n import LearnerError
from llmlab.models.shape_checks import check_count, check_dropout, check_positive, indivisible

_RULE = None  # a field left at this value is filled in by the rule that its docstring states


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Sizes and switches of a `GPT`. Raises LearnerError for a combination that cannot be built."""

    style: Literal["gpt", "gpt2"] = "gpt"
    """Architecture: gpt is today's (RoPE, RMSNorm, SwiGLU, QK-norm), gpt2 is the classic of 2019."""
    vocab_size: int
    """Number of different tokens."""
    context_length: int = 64
    """Most tokens that the model reads at once."""
    n_layers: int = 4
    """Number of layers, each attention and a feed-forward network."""
    n_heads: int = 4
    """Attention heads per layer."""
    n_kv_heads: int = _RULE  # type: ignore[assignment]
    """Key–value heads per layer; fewer than n_heads makes the cache smaller. Default: n_heads."""
    head_dim: int = _RULE  # type: ignore[assignment]
    """Width of one head. Default: d_model / n_heads."""
    d_model: int = 128
    """Width of the residual stream: how many numbers stand for one token."""
    d_ff: int = _RULE  # type: ignore[assignment]
    """Hidden width of the feed-forward network. Default: gpt2 4·d_model, gpt 8/3·d_model up to a multiple of 8."""
    dropout: float = 0.0
    """Share of activations set to zero at random while training; 0 switches it off."""
    rope_theta: float = 10_000.0
    """Base of the rotary angles (gpt only): larger turns more slowly, for longer contexts."""
    norm_eps: float = _RULE  # type: ignore[assignment]
    """Small number that keeps the norms from dividing by zero. Default: 1e-5 in gpt2, 1e-6 in gpt."""
    qk_norm: bool = _RULE  # type: ignore[assignment]
    """Normalise queries and keys before they meet (gpt only), which steadies training. Default: on in gpt."""
    tie_embeddings: bool = True
    """Use one matrix both to read tokens in and to predict them."""
    bias: bool = _RULE  # type: ignore[assignment]
    """Add a learned offset in linear layers and norms (gpt2 only). Default: on in gpt2."""

    def __post_init__(self) -> None:
        if self.style not in ("gpt", "gpt2"):
            raise LearnerError("model.unknown_style", style=self.style)
        for field in ("vocab_size", "context_length", "n_layers", "n_heads", "d_model"):
            check_count(field, getattr(self, field))
        classic = self.style == "gpt2"
        if self.head_dim is None and self.d_model % self.n_heads:
            raise indivisible(self.d_model, self.n_heads)
        self._fill("n_kv_heads", self.n_heads)
        self._fill("head_dim", self.d_model // self.n_heads)
        self._fill("d_ff", 4 * self.d_model if classic else -(-8 * self.d_model // 24) * 8)
        self._fill("norm_eps", 1e-5 if classic else 1e-6)
        self._fill("qk_norm", not classic)
        self._fill("bias", classic)
        for field in ("n_kv_heads", "head_dim", "d_ff"):
            check_count(field, getattr(self, field))
        self._check_together()

    def _fill(self, field: str, value: object) -> None:
        if getattr(self, field) is None:
            object.__setattr__(self, field, value)

    def _check_together(self) -> None:
        if self.n_heads % self.n_kv_heads:
            choices = ", ".join(str(n) for n in range(1, self.n_heads + 1) if self.n_heads % n == 0)
            raise LearnerError(
                "model.kv_heads_divide", n_heads=self.n_heads, n_kv_heads=self.n_kv_heads, choices=choices
            )
        check_dropout(self.dropout)
        for field in ("rope_theta", "norm_eps"):
            check_positive(field, getattr(self, field))
        if self.style == "gpt2":
            self._check_classic()
            return
        if self.head_dim % 2:
            raise LearnerError("model.odd_head", head_dim=self.head_dim, d_model=self.d_model, n_heads=self.n_heads)
        if self.bias:
            raise LearnerError("model.only_gpt2", field="bias")
        if not self.qk_norm and self.d_model % self.n_heads:
            raise indivisible(
                self.d_model, self.n_heads
            )  # Llama, the form in which it is saved, demands it even with a head_dim of its own

    def _check_classic(self) -> None:
        if self.qk_norm:
            raise LearnerError("model.only_gpt", field="qk_norm")
        if self.n_kv_heads != self.n_heads:
            raise LearnerError("model.gpt2_kv_heads", n_heads=self.n_heads, n_kv_heads=self.n_kv_heads)
        if self.head_dim * self.n_heads != self.d_model:
            raise LearnerError(
                "model.gpt2_head_dim", d_model=self.d_model, n_heads=self.n_heads, head_dim=self.head_dim
            )
