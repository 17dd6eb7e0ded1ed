"""Two classes told apart by their words alone: logistic regression on word counts, learned by gradient descent.

Each word has one weight, and they are added up: p(class 1 | text) = σ(Σ count(w) · weight(w) + bias). It is the
baseline that a Transformer has to beat, and it gives its reasons: the terms of that sum.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmlab.i18n import LearnerError
from llmlab.tasks.word_counts import Counts, counts, vocabulary


class WordClassifier:
    """`longest`: 1 reads single words, 2 pairs of neighbours as well. `penalty` λ holds the weights small: λ/2 · |w|²
    is added to the mean cross-entropy, the bias left out."""

    def __init__(self, *, longest: int = 1, penalty: float = 0.002) -> None:
        self.longest, self.penalty = longest, penalty
        self.columns: dict[str, int] = {}
        self.weights: Counts = np.zeros(0)
        self.bias = 0.0
        self.losses: list[float] = []
        """The mean cross-entropy before each step, in nats a text."""

    def fit(self, texts: Sequence[str], labels: Sequence[int], *, steps: int = 300, rate: float = 1.0) -> Self:
        """Gradient descent on all texts at once. Raises LearnerError unless both classes are there."""
        y = np.asarray(labels, dtype=np.float64)
        if set(labels) != {0, 1}:
            raise LearnerError("tasks.two_classes")
        self.columns = vocabulary(texts, longest=self.longest)
        x = counts(texts, self.columns, longest=self.longest)
        self.weights, self.bias, self.losses = np.zeros(len(self.columns)), 0.0, []
        for _ in range(steps):
            p = _sigmoid(x @ self.weights + self.bias)
            self.losses.append(float(-np.mean(np.log(np.where(y == 1, p, 1 - p)))))
            error = (p - y) / len(y)  # the gradient by each text's sum
            self.weights = self.weights - rate * (x.T @ error + self.penalty * self.weights)
            self.bias -= rate * float(error.sum())
        return self

    def probabilities(self, texts: Sequence[str]) -> Counts:
        """p(class 1) of each text."""
        return _sigmoid(counts(texts, self.columns, longest=self.longest) @ self.weights + self.bias)

    def reasons(self, text: str) -> dict[str, float]:
        """What each known piece of the text adds to the sum, the strongest first: positive speaks for class 1."""
        row = counts([text], self.columns, longest=self.longest)[0] * self.weights
        found = {piece: float(row[i]) for piece, i in self.columns.items() if row[i]}
        return dict(sorted(found.items(), key=lambda item: -abs(item[1])))

    def telling(self, n: int) -> dict[str, float]:
        """The `n` pieces that speak most for class 0 and the `n` for class 1, from the lowest weight to the highest."""
        names = list(self.columns)
        order = np.argsort(self.weights)
        chosen = [*order[:n], *order[max(n, len(order) - n) :]]
        return {names[i]: float(self.weights[i]) for i in chosen}


def confusion(truth: Sequence[int], found: Sequence[int]) -> NDArray[np.int64]:
    """How many texts of each class (row) were given each class (column), (2, 2)."""
    table = np.zeros((2, 2), dtype=np.int64)
    np.add.at(table, (np.asarray(truth), np.asarray(found)), 1)
    return table


def _sigmoid(z: Counts) -> Counts:
    return 1 / (1 + np.exp(-z))
