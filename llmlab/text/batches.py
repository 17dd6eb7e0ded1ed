"""From one long row of token ids to training and validation parts, and to batches of windows.

A window is `context_length` inputs and the same tokens shifted by one as targets.
"""

from collections.abc import Sized

import numpy as np

from llmlab.i18n import LearnerError
from llmlab.text.epochs import Epochs


def split(ids: np.ndarray, val_fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """The beginning for training, the last `val_fraction` of the tokens for validation (views, nothing is copied).

    Raises LearnerError when the fraction is not between 0 and 1 or leaves a part without a single prediction.
    """
    check_length(ids, 1, val_fraction)
    cut = _cut(len(ids), val_fraction)
    return ids[:cut], ids[cut:]


def check_length(ids: Sized, context_length: int, val_fraction: float) -> None:
    """Raise LearnerError unless both parts of the split hold one whole window (context + 1 tokens) at least."""
    if not 0 < val_fraction < 1:
        raise LearnerError("text.batches_fraction", fraction=val_fraction)
    n = len(ids)
    cut = _cut(n, val_fraction)
    shorter = min(cut, n - cut)
    if shorter > context_length:
        return
    if shorter < 2:
        raise LearnerError("text.batches_far_too_short", tokens=n)
    # The largest power of two that leaves one target for each input in the shorter part.
    suggestion = 1 << ((shorter - 1).bit_length() - 1)
    if n <= context_length:
        raise LearnerError("text.batches_too_short", tokens=n, context=context_length, suggestion=suggestion)
    part = "text.batches_part_too_short" if n - cut <= cut else "text.batches_training_part_too_short"
    raise LearnerError(part, tokens=n, part=shorter, context=context_length, suggestion=suggestion)


def _cut(n: int, val_fraction: float) -> int:
    return int(n * (1 - val_fraction))


class Windows(Epochs):
    """Random windows without replacement: within an epoch no token is an input twice.

    Each epoch lays a grid of neighbouring windows over the ids, shifted by a random phase so that borders move from
    epoch to epoch, and visits them in random order. Only the order of one epoch is held in memory (one number per
    `context_length` tokens), and it follows from (seed, epoch).

    `ids` is one-dimensional, of any integer type; a `np.memmap` is read window by window.
    """

    def __init__(self, ids: np.ndarray, *, context_length: int, batch_size: int, seed: int) -> None:
        if len(ids) <= context_length:
            suggestion = 1 << ((len(ids) - 1).bit_length() - 1) if len(ids) > 1 else 0
            if not suggestion:
                raise LearnerError("text.batches_far_too_short", tokens=len(ids))
            raise LearnerError("text.batches_too_short", tokens=len(ids), context=context_length, suggestion=suggestion)
        self._ids = ids
        self._context_length = context_length
        self._batch_size = batch_size
        super().__init__(seed)

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets, int64, each (batch_size, context_length): y[:, t] is the token after x[:, t]."""
        starts = np.concatenate(list(self._visit(self._batch_size)))
        windows = self._ids[starts[:, None] + np.arange(self._context_length + 1)].astype(np.int64)
        return windows[:, :-1], windows[:, 1:]

    def _laid_out(self, epoch: int, random: np.random.Generator) -> np.ndarray:
        last_start = len(self._ids) - self._context_length - 1
        phase = random.integers(min(self._context_length, last_start + 1))
        n_windows = (last_start - phase) // self._context_length + 1
        starts: np.ndarray = phase + self._context_length * random.permutation(n_windows)
        return starts
