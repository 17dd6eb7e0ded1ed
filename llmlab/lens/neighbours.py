"""Which points are near each other in the space itself: cosine similarity, nearest neighbours, similarity matrices."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

ROWS = 1024
"""How many points are compared with all others at a time: memory stays bounded."""


def unit(points: Float[Tensor, "*point d_model"]) -> Float[Tensor, "*point d_model"]:
    """Each vector scaled to length 1, in float32; a zero vector stays zero."""
    return F.normalize(points.float(), dim=-1)


def similarity_matrix(points: Float[Tensor, "point d_model"]) -> Float[Tensor, "point point"]:
    """cos(a, b) = a·b / (‖a‖ ‖b‖) of every pair: 1 for the same direction, 0 for a right angle."""
    x = unit(points)
    return x @ x.T


def nearest(
    points: Float[Tensor, "point d_model"], queries: Int[Tensor, " query"], k: int
) -> tuple[Int[Tensor, "query k"], Float[Tensor, "query k"]]:
    """The `k` points most similar to each query, itself left out: their numbers and cosines, most similar first.

    With fewer than k other points, all of them.
    """
    x = unit(points)
    k = min(k, len(x) - 1)
    found, cosines = [], []
    for some in torch.split(queries, ROWS):
        similar = x[some] @ x.T  # (query, point)
        similar[torch.arange(len(some)), some] = -torch.inf
        best = similar.topk(k, dim=1)
        found.append(best.indices)
        cosines.append(best.values)
    return torch.cat(found), torch.cat(cosines)
