"""One head's attention with and without the causal mask, from the same scores."""

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.models.trace import Trace


def causal_and_full(
    trace: Trace, *, layer: int, head: int, scaled: bool = True
) -> tuple[Float[Tensor, "query key"], Float[Tensor, "query key"]]:
    """The weights of a head on the first text of a trace: behind the causal mask, and seeing everything.

    One of the two is what the model really does; the other is what its scores would give under the other mask.
    Without `scaled` the scores are products as they are, not divided by √head_dim.
    """
    attention = trace.layers[layer].attention
    scores = attention.scores[0, head].float()
    if not scaled:
        scores = scores * attention.q.shape[-1] ** 0.5
    later = torch.ones_like(scores, dtype=torch.bool).triu(1)
    return scores.masked_fill(later, float("-inf")).softmax(-1), scores.softmax(-1)
