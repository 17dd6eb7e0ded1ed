"""What training makes small: the surprise at the next token."""

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def next_token_loss(
    logits: Float[Tensor, "batch seq vocab"], targets: Int[Tensor, "batch seq"], *, reduction: str = "mean"
) -> Float[Tensor, ""]:
    """Cross-entropy of the logits at each position against the token that follows it, in nats per token."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction=reduction)
