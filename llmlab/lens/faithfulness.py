"""What a map loses. Many dimensions do not fit into two, so every picture tells some lies: how many, by two measures.

Kept neighbours: of each point's k nearest in the space, the share that is among its k nearest in the picture.
Trustworthiness (Venna & Kaski 2001): 1 when nothing looks near that is not; a false neighbour costs more the further
away it really is.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from llmlab.lens.neighbours import ROWS, unit


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """How far a picture can be believed."""

    kept: float
    """Share of true neighbours that the picture keeps, 0 to 1."""
    trustworthiness: float
    """1 is perfect; a random picture has about a half."""
    k: int
    """How many neighbours were looked at."""
    measured: int
    """On how many points."""


def faithfulness(
    points: Float[Tensor, "point d_model"], picture: Float[Tensor, "point dims"], k: int = 10, *, most: int = 1_000
) -> Faithfulness:
    """Compare neighbours by cosine in the space with neighbours by distance in the picture.

    Where there are more than `most` points it is measured on so many, evenly spread; each is compared with all.
    """
    n = len(points)
    k = min(k, max(1, (n - 1) // 2))
    x, y = unit(points), picture.double()
    queries = torch.linspace(0, n - 1, min(n, most)).round().long()
    kept = penalty = 0.0
    for some in torch.split(queries, ROWS):
        truly = 1 - x[some] @ x.T
        drawn = torch.cdist(y[some], y)
        _forget_self(truly, some)
        _forget_self(drawn, some)
        near_truly = truly.topk(k, largest=False).indices
        near_drawn = drawn.topk(k, largest=False).indices
        kept += float((near_drawn[:, :, None] == near_truly[:, None, :]).any(2).double().sum())
        # r(i, j) - k summed over those drawn near; for true neighbours the rank is at most k and costs nothing
        distances = truly.gather(1, near_drawn)  # (query, k)
        ranks = torch.stack([(truly < distances[:, j, None]).sum(1) + 1 for j in range(k)], dim=1)
        penalty += float((ranks - k).clamp_min(0).sum())
    worst = len(queries) * k * (2 * n - 3 * k - 1) / 2
    return Faithfulness(
        kept=kept / (len(queries) * k),
        trustworthiness=1 - penalty / worst if worst > 0 else 1.0,
        k=k,
        measured=len(queries),
    )


def _forget_self(distances: Tensor, rows: Int[Tensor, " query"]) -> None:
    distances[torch.arange(len(rows)), rows] = torch.inf
