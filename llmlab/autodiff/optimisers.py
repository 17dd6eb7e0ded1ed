"""How weights follow their gradient: one class a rule, each with one `step` from weights and gradient to new weights.

The rules differ in what they remember. `torch.optim` is the authority that the tests compare with.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from llmlab.autodiff.tensor import Array


class Optimiser(Protocol):
    """One array's optimiser; what it remembers lives in it."""

    def step(self, w: Array, g: Array) -> Array:
        """The weights after one step, from the weights and ∂L/∂w, both of one shape."""
        ...


class SGD:
    """w ← w − η g. Gradient descent when g is of all examples, stochastic when it is of some (Robbins, Monro 1951)."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def step(self, w: Array, g: Array) -> Array:
        return w - self.lr * g


class Momentum:
    """A heavy ball: v ← μ v + g, w ← w − η v (Polyak 1964)."""

    def __init__(self, lr: float, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.v: Array | float = 0.0

    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + g
        return w - self.lr * self.v


class Nesterov(Momentum):
    """Momentum that looks ahead: the gradient is added to where the ball is about to be (Nesterov 1983).

    In the form of Sutskever et al. 2013, written so that the gradient is taken at w itself.
    """

    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + g
        return w - self.lr * (g + self.momentum * self.v)


class Adam:
    """Momentum, divided by the size that gradients have had, number by number (Kingma and Ba 2015, algorithm 1).

    m and v start at zero and are too small at first; dividing by 1 − βᵗ makes up for it. Without `bias_correction`
    the first step is (1 − β₁)/√(1 − β₂) = 3.16 times as long as it should be.
    """

    def __init__(
        self,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        bias_correction: bool = True,
    ) -> None:
        self.lr, self.betas, self.eps, self.bias_correction = lr, betas, eps, bias_correction
        self.m: Array | float = 0.0
        self.v: Array | float = 0.0
        self.t = 0

    def step(self, w: Array, g: Array) -> Array:
        beta1, beta2 = self.betas
        self.t += 1
        self.m = beta1 * self.m + (1 - beta1) * g  # mean gradient
        self.v = beta2 * self.v + (1 - beta2) * g**2  # mean square
        m, v = self.m, self.v
        if self.bias_correction:
            m, v = m / (1 - beta1**self.t), v / (1 - beta2**self.t)
        return w - self.lr * m / (np.sqrt(v) + self.eps)


class AdamW(Adam):
    """Adam, and apart from it every weight shrinks by the factor 1 − η λ (Loshchilov and Hutter 2019)."""

    def __init__(self, lr: float, weight_decay: float = 0.01) -> None:
        super().__init__(lr)
        self.weight_decay = weight_decay

    def step(self, w: Array, g: Array) -> Array:
        return super().step(w * (1 - self.lr * self.weight_decay), g)


class Muon:
    """For a matrix: momentum whose singular values are all made about 1 (Jordan et al. 2024)."""

    def __init__(self, lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.v: Array | float = 0.0

    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + (1 - self.momentum) * g
        ahead = (1 - self.momentum) * g + self.momentum * self.v
        length = self.lr * math.sqrt(max(1.0, w.shape[0] / w.shape[1]))
        return w * (1 - self.lr * self.weight_decay) - length * orthogonal(ahead)


def orthogonal(matrix: Array, rounds: int = 5) -> Array:
    """About U Vᵀ of a matrix U S Vᵀ, by the Newton–Schulz iteration a x + b x³ + c x⁵ on its singular values."""
    a, b, c = 3.4445, -4.775, 2.0315  # Jordan et al.: from 0.01…1 to 0.7…1.2 in five rounds
    lying = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = lying / max(float(np.linalg.norm(lying)), 1e-7)  # now no singular value is above 1
    for _ in range(rounds):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if lying is matrix else x.T


RULES: dict[str, Callable[[float], Optimiser]] = {
    "gd": SGD,
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
    "adam_uncorrected": lambda lr: Adam(lr, bias_correction=False),
    "adamw": AdamW,
    "muon": Muon,
}
"""Each rule by its name, made from a learning rate. "gd" and "sgd" are one rule on different gradients."""
