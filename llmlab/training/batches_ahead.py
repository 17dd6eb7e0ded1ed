"""Batches on the device. A GPU computes while Python goes on: the next batch is fetched and sent in that time."""

import numpy as np
import torch
from torch import Tensor

from llmlab.training.objective import Batches

Batch = tuple[Tensor, ...]


class BatchesAhead:
    """Some rows of each batch, as tensors with that many rows."""

    def __init__(self, windows: Batches, rows: slice, device: torch.device) -> None:
        self._windows, self._rows, self._device = windows, rows, device
        self._ahead: Batch | None = None
        self._state = windows.state()

    def next(self) -> Batch:
        """The next batch."""
        batch = self._fetch() if self._ahead is None else self._ahead
        self._state = self._windows.state()
        self._ahead = self._fetch() if self._device.type == "cuda" else None
        return batch

    def state(self) -> dict[str, int]:
        """Where to go on: after the last batch handed out, not after the one that was fetched ahead."""
        return self._state

    def restore(self, state: dict[str, int]) -> None:
        """Go on there."""
        self._windows.restore(state)
        self._ahead, self._state = None, self._windows.state()

    def _fetch(self) -> Batch:
        return tuple(self._sent(part[self._rows]) for part in self._windows.next())

    def _sent(self, part: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(part)
        if self._device.type == "cuda":  # from pinned memory the copy does not make Python wait
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)
