"""The order in which a text is read: epoch after epoch, from another beginning and in another order each time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np


class Epochs(ABC):
    """Examples in an order that follows from the seed: a run resumes from three numbers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._begin_epoch(0)

    @abstractmethod
    def _laid_out(self, epoch: int, random: np.random.Generator) -> np.ndarray:
        """The examples of an epoch in the order in which they are visited."""

    @property
    def epoch(self) -> int:
        """How many times the whole text has been seen."""
        return self._epoch

    def state(self) -> dict[str, int]:
        """What `restore` needs to continue with the very next batch."""
        return {"seed": self._seed, "epoch": self._epoch, "position": self._position}

    def restore(self, state: dict[str, int]) -> None:
        """Continue where `state()` was taken, on the same text and context length."""
        self._seed = state["seed"]
        self._begin_epoch(state["epoch"])
        self._position = state["position"]

    def _begin_epoch(self, epoch: int) -> None:
        self._order = self._laid_out(epoch, np.random.default_rng([self._seed, epoch]))
        self._epoch, self._position = epoch, 0

    def _visit(self, count: int) -> Iterator[np.ndarray]:
        """The next so many examples, those of one epoch together; the next one begins when they were looked at."""
        while count:
            if self._position == len(self._order):
                self._begin_epoch(self._epoch + 1)
            part = self._order[self._position : self._position + count]
            self._position += len(part)
            count -= len(part)
            yield part
