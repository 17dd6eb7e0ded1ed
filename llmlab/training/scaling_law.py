"""How the loss falls with size: a power law fitted to what was measured, and what it foretells beyond.

L(n) = L∞ + (n₀ / n)^α (Kaplan et al. 2020, eq. 1.2; Hoffmann et al. 2022, eq. 2). Where the floor L∞ is known, the part
above it is a straight line on logarithmic axes, and least squares find slope and height.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlab.i18n import LearnerError
from llmlab.models.ngram import NGram


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """Losses in nats; sizes in whatever unit they were given."""

    floor: float
    """L∞: what no size gets below."""
    scale: float
    """n₀: the size at which the loss is one nat above the floor."""
    exponent: float
    """α: ten times the size leaves 10^(−α) of what is above the floor."""

    def loss(self, size: float) -> float:
        """What the law says for a size, in nats."""
        return float(self.floor + (self.scale / size) ** self.exponent)

    @property
    def to_halve(self) -> float:
        """By what the size must be multiplied for half the loss above the floor."""
        return float(2 ** (1 / self.exponent))


def fit(sizes: Sequence[float], losses: Sequence[float], *, floor: float | None = None) -> PowerLaw:
    """The law closest to the measured losses in their logarithms; an unknown floor is the one that makes them
    straightest. Raises LearnerError for too few sizes, and for losses that do not fall towards the floor.
    """
    n, loss = np.asarray(sizes, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    fewest = 3 if floor is None else 2
    if len(set(sizes)) < fewest:
        raise LearnerError("training.scaling_points", fewest=fewest)
    if floor is None:
        floor = _straightest(n, loss)
    if not (loss > floor).all():
        raise LearnerError("training.scaling_floor", floor=f"{floor:.3f}")
    slope, height = np.polyfit(np.log(n), np.log(loss - floor), 1)
    if slope >= 0:
        raise LearnerError("training.scaling_falls")
    return PowerLaw(floor=float(floor), scale=float(np.exp(-height / slope)), exponent=float(-slope))


def _straightest(n: NDArray[np.float64], loss: NDArray[np.float64]) -> float:
    """The floor between 0 and the lowest loss over which the points lie closest to a line: a grid, refined."""

    def misses(floor: float) -> float:
        x, y = np.log(n), np.log(loss - floor)
        return float(np.square(y - np.polyval(np.polyfit(x, y, 1), x)).sum())

    low, high = 0.0, float(loss.min())
    for _ in range(12):
        grid = np.linspace(low, high, 22)[:-1]  # the lowest loss itself would lie on the floor
        best = int(np.argmin([misses(floor) for floor in grid]))
        step = grid[1] - grid[0]
        low, high = max(0.0, grid[best] - step), min(float(loss.min()), grid[best] + step)
    return float(grid[best])


def counting_losses(text: str, sizes: Sequence[int], *, order: int) -> list[float]:
    """The loss on the last tenth of a text, in nats per character, of Kneser–Ney models that learned from its first
    `sizes` characters.
    """
    symbols = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = np.array([symbols[character] for character in text])
    held_out = ids[int(0.9 * len(ids)) :]
    return [NGram(order).fit(ids[:size], len(symbols)).loss(held_out) for size in sizes]
