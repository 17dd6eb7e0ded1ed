"""The shape of a BERT (Devlin et al. 2019). Imports no torch, so that the app can plan with it."""

from dataclasses import dataclass
from typing import Literal

from llmlab.i18n import LearnerError
from llmlab.models.shape_checks import check_count, check_dropout, check_positive, indivisible

_RULE = None  # a field left at this value is filled in by the rule that its docstring states


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Sizes and switches of a `Bert`. Raises LearnerError for a combination that cannot be built."""

    style: Literal["bert"] = "bert"
    """Architecture: bert reads a text from both sides and fills in what is masked."""
    vocab_size: int
    """Number of different tokens."""
    context_length: int = 128
    """Most tokens that the model reads at once."""
    n_layers: int = 4
    """Number of layers, each attention and a feed-forward network."""
    n_heads: int = 4
    """Attention heads per layer."""
    d_model: int = 128
    """Width of the residual stream: how many numbers stand for one token."""
    d_ff: int = _RULE  # type: ignore[assignment]
    """Hidden width of the feed-forward network. Default: 4·d_model."""
    n_segments: int = 2
    """Kinds of segment: first and second sentence of a pair."""
    dropout: float = 0.0
    """Share of activations set to zero at random while training; 0 switches it off."""
    norm_eps: float = 1e-12
    """Small number that keeps the norms from dividing by zero."""
    mlm_head: bool = True
    """Predict masked tokens."""
    nsp_head: bool = True
    """Predict whether the second segment follows the first in the text. Needs the pooler."""
    pooler: bool = _RULE  # type: ignore[assignment]
    """Make one vector of a text from its first token. Default: unless the head for masked tokens is the only one."""

    def __post_init__(self) -> None:
        if self.style != "bert":
            raise LearnerError("model.unknown_style", style=self.style)
        for field in ("vocab_size", "context_length", "n_layers", "n_heads", "d_model", "n_segments"):
            check_count(field, getattr(self, field))
        if self.d_model % self.n_heads:
            raise indivisible(self.d_model, self.n_heads)
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        check_count("d_ff", self.d_ff)
        check_dropout(self.dropout)
        check_positive("norm_eps", self.norm_eps)
        if self.pooler is None:
            object.__setattr__(self, "pooler", self.nsp_head or not self.mlm_head)
        if self.nsp_head and not self.pooler:
            raise LearnerError("model.nsp_needs_pooler")
        if self.mlm_head and not self.nsp_head and self.pooler:
            raise LearnerError("model.pooler_unread")

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads

    @property
    def n_kv_heads(self) -> int:
        """Key–value heads: one for each head."""
        return self.n_heads
