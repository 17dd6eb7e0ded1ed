"""One layer of a decoder: attention, then feed-forward, each reading a normed copy of the residual stream and adding
to it (the pre-norm arrangement of GPT-2).
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from llmlab.nn.attention import Attention
from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU
from llmlab.nn.kv_cache import LayerCache
from llmlab.nn.norms import RMSNorm
from llmlab.nn.record import Record

RESIDUAL = "batch seq d_model"


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(
        self,
        *,
        attention_norm: RMSNorm | nn.LayerNorm,
        attention: Attention,
        feed_forward_norm: RMSNorm | nn.LayerNorm,
        feed_forward: GeluFeedForward | SwiGLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.attention_norm = attention_norm
        self.attention = attention
        self.feed_forward_norm = feed_forward_norm
        self.feed_forward = feed_forward
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch seq d_model"],
        *,
        rotation: tuple[Float[Tensor, "seq half"], Float[Tensor, "seq half"]] | None = None,
        mask: Bool[Tensor, "mask_batch 1 seq keys"] | None = None,
        cache: LayerCache | None = None,
        record: Record | None = None,
    ) -> Float[Tensor, "batch seq d_model"]:
        if record is not None:
            return self._forward_in_the_open(x, rotation, mask, cache, record)
        x = x + self.dropout(self.attention(self.attention_norm(x), rotation=rotation, mask=mask, cache=cache))
        y: Tensor = self.feed_forward(self.feed_forward_norm(x))
        return x + self.dropout(y)  # type: ignore[no-any-return]

    def _forward_in_the_open(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor] | None,
        mask: Tensor | None,
        cache: LayerCache | None,
        record: Record,
    ) -> Tensor:
        inside = record.within("attention")
        inside("residual_before", x, RESIDUAL, r"x")
        normed = self.attention_norm(x)
        inside("normed", normed, RESIDUAL, norm_formula(self.attention_norm))
        y = self.attention(normed, rotation=rotation, mask=mask, cache=cache, record=inside)
        x = x + self.dropout(y)
        inside("residual_after", x, RESIDUAL, r"x + a")
        inside = record.within("feed_forward")
        inside("residual_before", x, RESIDUAL, r"x")
        normed = self.feed_forward_norm(x)
        inside("normed", normed, RESIDUAL, norm_formula(self.feed_forward_norm))
        x = x + self.dropout(self.feed_forward(normed, record=inside))
        inside("residual_after", x, RESIDUAL, r"x + f")
        return x


def norm_formula(norm: nn.Module) -> str:
    """The LaTeX of a norm applied to x."""
    if isinstance(norm, RMSNorm):
        return r"\frac{x}{\sqrt{\overline{x^2} + \varepsilon}} \odot g"
    shift = r" + b" if norm.bias is not None else ""
    return r"\frac{x - \bar x}{\sqrt{\operatorname{Var} x + \varepsilon}} \odot g" + shift
