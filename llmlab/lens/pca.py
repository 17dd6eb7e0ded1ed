"""Principal component analysis (Pearson 1901; Hotelling 1933): the flat picture that keeps most of the spread.

Of all planes through the middle of a cloud of points, PCA takes the one on which their shadows lie furthest apart. It
is linear: directions in the picture are directions in the space, and distances only ever shrink.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PCA:
    """The plane that was found, and how much of the spread lies in it."""

    mean: Float[Tensor, " d_model"]
    """The middle of the points that were fitted."""
    components: Float[Tensor, "dims d_model"]
    """Orthonormal directions, the widest first."""
    explained: Float[Tensor, " dims"]
    """The share of the variance along each direction, 0 to 1."""

    def project(self, points: Float[Tensor, "*point d_model"]) -> Float[Tensor, "*point dims"]:
        """Where points fall on the plane: y = (x - mean) Wᵀ. Also for points that were not fitted."""
        return (points.double() - self.mean) @ self.components.T


def fit_pca(points: Float[Tensor, "point d_model"], dims: int) -> PCA:
    """The directions of largest variance: eigenvectors of the covariance matrix, computed in float64.

    Fewer points or dimensions than `dims` leave some directions without spread, in which all points fall on zero.
    """
    x = points.double()
    mean = x.mean(0)
    centred = x - mean
    covariance = centred.T @ centred / max(1, len(x) - 1)  # (d_model, d_model)
    variances, directions = torch.linalg.eigh(covariance)  # ascending
    order = variances.argsort(descending=True)[:dims]
    components = directions[:, order].T
    # An eigenvector's sign is arbitrary: its largest entry is made positive, so that pictures are never mirrored.
    largest = components.abs().argmax(1, keepdim=True)
    components = components * components.gather(1, largest).sign()
    explained = variances[order].clamp_min(0) / variances.sum().clamp_min(torch.finfo(x.dtype).tiny)
    if len(components) < dims:
        missing = dims - len(components)
        components = torch.cat([components, components.new_zeros(missing, x.shape[1])])
        explained = torch.cat([explained, explained.new_zeros(missing)])
    return PCA(mean=mean, components=components, explained=explained)
