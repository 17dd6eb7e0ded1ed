"""From one long row of token ids to training and validation parts, and to batches of windows.

A window is `context_length` inputs and the same tokens shifted by one as targets.
"""

from collections.abc import Sized

import numpy as np

from llmlab.i18n import LearnerError


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


class Windows:
    """Random windows without replacement: within an epoch no token is an input twice.

    Each epoch lays a grid of neighbouring windows over the ids, shifted by a random phase so that borders move from
    epoch to epoch, and visits them in random order. Only the order of one epoch is held in memory (one number per
    `context_length` tokens), and it follows from (seed, epoch): a run resumes exactly from three numbers.

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
        self._seed = seed
        self._begin_epoch(0)

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets, int64, each (batch_size, context_length): y[:, t] is the token after x[:, t]."""
        starts = self._next_starts()
        windows = self._ids[starts[:, None] + np.arange(self._context_length + 1)].astype(np.int64)
        return windows[:, :-1], windows[:, 1:]

    @property
    def epoch(self) -> int:
        """How many times the whole text has been seen."""
        return self._epoch

    def state(self) -> dict[str, int]:
        """What `restore` needs to continue with the very next batch."""
        return {"seed": self._seed, "epoch": self._epoch, "position": self._position}

    def restore(self, state: dict[str, int]) -> None:
        """Continue where `state()` was taken, on the same ids and context length."""
        self._seed = state["seed"]
        self._begin_epoch(state["epoch"])
        self._position = state["position"]

    def _begin_epoch(self, epoch: int) -> None:
        random = np.random.default_rng([self._seed, epoch])
        last_start = len(self._ids) - self._context_length - 1
        phase = random.integers(min(self._context_length, last_start + 1))
        n_windows = (last_start - phase) // self._context_length + 1
        self._starts = phase + self._context_length * random.permutation(n_windows)
        self._epoch = epoch
        self._position = 0

    def _next_starts(self) -> np.ndarray:
        parts = []
        wanted = self._batch_size
        while wanted:
            if self._position == len(self._starts):
                self._begin_epoch(self._epoch + 1)
            part = self._starts[self._position : self._position + wanted]
            self._position += len(part)
            wanted -= len(part)
            parts.append(part)
        return np.concatenate(parts)
