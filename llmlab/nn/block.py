"""One layer: attention, then feed-forward, each adding to the residual stream. Decoders since GPT-2 norm what is read
from the stream (`Block`), the first transformers and BERT norm the stream itself after each addition (`PostNormBlock`).
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
        mask: Bool[Tensor, "mask_batch 1 #seq keys"] | None = None,
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


class PostNormBlock(nn.Module):
    """x = norm(x + attention(x)), then x = norm(x + feed_forward(x)): the arrangement of Vaswani et al. 2017."""

    def __init__(
        self,
        *,
        attention: Attention,
        attention_norm: nn.LayerNorm,
        feed_forward: GeluFeedForward,
        feed_forward_norm: nn.LayerNorm,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = attention_norm
        self.feed_forward = feed_forward
        self.feed_forward_norm = feed_forward_norm
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "batch seq d_model"],
        *,
        mask: Bool[Tensor, "mask_batch 1 #seq keys"] | None = None,
        record: Record | None = None,
    ) -> Float[Tensor, "batch seq d_model"]:
        inside = record.within("attention") if record is not None else None
        if inside is not None:
            inside("residual_before", x, RESIDUAL, r"x")
        y = self.attention(x, mask=mask, record=inside)
        x = self._add(x, y, self.attention_norm, "s = x + a", inside)
        inside = record.within("feed_forward") if record is not None else None
        if inside is not None:
            inside("residual_before", x, RESIDUAL, r"x")
        return self._add(x, self.feed_forward(x, record=inside), self.feed_forward_norm, "s = x + f", inside)

    def _add(self, x: Tensor, y: Tensor, norm: nn.LayerNorm, formula: str, record: Record | None) -> Tensor:
        added = x + self.dropout(y)
        after: Tensor = norm(added)
        if record is not None:
            record("added", added, RESIDUAL, formula)
            record("residual_after", after, RESIDUAL, norm_formula(norm, "s"))
        return after


def norm_formula(norm: nn.Module, of: str = "x") -> str:
    """The LaTeX of a norm applied to `of`."""
    if isinstance(norm, RMSNorm):
        return rf"\frac{{{of}}}{{\sqrt{{\overline{{{of}^2}} + \varepsilon}}}} \odot g"
    shift = r" + b" if norm.bias is not None else ""
    return rf"\frac{{{of} - \bar {of}}}{{\sqrt{{\operatorname{{Var}} {of} + \varepsilon}}}} \odot g" + shift
