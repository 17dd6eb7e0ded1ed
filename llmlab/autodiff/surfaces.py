"""Loss surfaces over two weights, and optimisers that race down them. Gradients come from the engine of this room."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmlab.autodiff.optimisers import RULES
from llmlab.autodiff.tensor import Array, Tensor

BATCH = 4
"""How many examples a noisy gradient is of."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A loss of two weights. `loss` takes many points at once: (n,) and (n,) to (n,)."""

    name: str
    loss: Callable[[Tensor, Tensor, Array], Tensor]
    """The third argument is examples (m, 2), for a loss that is a mean over them."""
    formula: str
    x: tuple[float, float]
    """What is drawn, from and to."""
    y: tuple[float, float]
    start: tuple[float, float]
    lowest: tuple[tuple[float, float], ...]
    """Where it is lowest."""
    rates: Mapping[str, float]
    """A learning rate for each rule that goes well here."""
    examples: Array | None = None
    """(m, 2): inputs and targets, where the loss has examples to choose from."""

    def value_and_gradient(self, points: Array, examples: Array | None = None) -> tuple[Array, Array]:
        """Of points (n, 2): losses (n,) and gradients (n, 2), on all examples or on these."""
        chosen = self.examples if examples is None else examples
        x, y = Tensor(points[:, 0]), Tensor(points[:, 1])
        losses = self.loss(x, y, np.empty((0, 2)) if chosen is None else chosen)
        losses.sum().backward()
        assert x.grad is not None
        assert y.grad is not None
        return losses.data, np.stack((x.grad, y.grad), axis=1)

    def grid(self, size: int) -> Array:
        """Losses (size, size) over what is drawn; rows from the lowest y to the highest."""
        x, y = np.meshgrid(np.linspace(*self.x, size), np.linspace(*self.y, size))
        return self.value_and_gradient(np.stack((x.ravel(), y.ravel()), axis=1))[0].reshape(size, size)


def race(
    surface: Surface, rates: Mapping[str, float], *, start: Sequence[float], steps: int, seed: int = 0
) -> tuple[Array, Array]:
    """Paths (rules, steps + 1, 2) and losses (rules, steps + 1) of the rules named in `rates`, from one start.

    Where the surface has examples, all but "gd" see the same random four at each step. A path that flies off to
    infinity ends in numbers that are not finite. Raises KeyError for a rule that there is not.
    """
    racers = [RULES[name](rate) for name, rate in rates.items()]
    sees_all = np.array([name == "gd" for name in rates])
    random = np.random.default_rng(seed)
    paths, losses = [np.tile(np.asarray(start, dtype=np.float64), (len(racers), 1))], []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            value, gradients = surface.value_and_gradient(paths[-1])
            if surface.examples is not None:
                few = surface.examples[random.choice(len(surface.examples), BATCH, replace=False)]
                gradients = np.where(sees_all[:, None], gradients, surface.value_and_gradient(paths[-1], few)[1])
            losses.append(value)
            rows = zip(racers, paths[-1][:, None, :], gradients[:, None, :], strict=True)
            paths.append(np.concatenate([racer.step(w, g) for racer, w, g in rows]))  # each on a 1 × 2 matrix
        losses.append(surface.value_and_gradient(paths[-1])[0])
    return np.stack(paths, axis=1), np.stack(losses, axis=1)


def _points_of_a_line() -> Array:
    random = np.random.default_rng(3)
    x = random.uniform(-1.5, 1.5, 32)
    return np.stack((x, 0.8 * x - 0.4 + random.normal(scale=0.6, size=32)), axis=1)


def _line_error(slope: Tensor, height: Tensor, examples: Array) -> Tensor:
    n = slope.shape[0]
    off = slope.reshape(n, 1) * examples[:, 0] + height.reshape(n, 1) - examples[:, 1]  # (n, m)
    return (off**2).mean(axis=1)


_LINE = _points_of_a_line()
_SLOPE, _HEIGHT = (float(w) for w in np.polyfit(_LINE[:, 0], _LINE[:, 1], 1))

SURFACES = {
    surface.name: surface
    for surface in (
        Surface(
            name="ravine",
            loss=lambda x, y, _: x**2 * 0.25 + y**2 * 10,
            formula="0.25 x² + 10 y²",
            x=(-5.5, 2.5),
            y=(-2.0, 2.0),
            start=(-4.5, 1.3),
            lowest=((0.0, 0.0),),
            rates={
                "gd": 0.09,
                "momentum": 0.03,
                "nesterov": 0.03,
                "adam": 0.3,
                "adam_uncorrected": 0.3,
                "adamw": 0.3,
                "muon": 0.1,
            },
        ),
        Surface(
            name="rosenbrock",
            loss=lambda x, y, _: (1 - x) ** 2 + (y - x**2) ** 2 * 100,
            formula="(1 − x)² + 100 (y − x²)²",
            x=(-2.0, 2.0),
            y=(-1.0, 3.0),
            start=(-1.2, 1.8),
            lowest=((1.0, 1.0),),
            rates={
                "gd": 0.0012,
                "momentum": 0.0006,
                "nesterov": 0.0006,
                "adam": 0.1,
                "adam_uncorrected": 0.1,
                "adamw": 0.1,
                "muon": 0.03,
            },
        ),
        Surface(
            name="saddle",
            loss=lambda x, y, _: x**2 - y**2 + y**4 * 0.25,
            formula="x² − y² + ¼ y⁴",
            x=(-2.2, 2.2),
            y=(-2.2, 2.2),
            start=(-1.8, 0.001),
            lowest=((0.0, 2**0.5), (0.0, -(2**0.5))),
            rates={
                "gd": 0.05,
                "momentum": 0.03,
                "nesterov": 0.03,
                "adam": 0.1,
                "adam_uncorrected": 0.1,
                "adamw": 0.1,
                "muon": 0.05,
            },
        ),
        Surface(
            name="noisy",
            loss=_line_error,
            formula="mean of (x aᵢ + y − bᵢ)²",
            x=(-1.8, 2.6),
            y=(-2.4, 2.0),
            start=(-1.3, 1.5),
            lowest=((_SLOPE, _HEIGHT),),
            rates={
                "gd": 0.1,
                "sgd": 0.1,
                "momentum": 0.03,
                "nesterov": 0.03,
                "adam": 0.1,
                "adam_uncorrected": 0.1,
                "adamw": 0.1,
                "muon": 0.05,
            },
            examples=_LINE,
        ),
    )
}
"""By name."""
