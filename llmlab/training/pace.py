"""A run's clock: how fast it learns, and when the next point of the curve and the next checkpoint are due."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from llmlab.training.config import TrainConfig

POINTS_IN_A_RUN = 500
FIRST_SAVE = 2.0
"""Seconds after which the first checkpoint is written: it also tells how long saving takes here."""


class Pace:
    """Times of one process. Nothing here changes what is learnt."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._busy, self._steps = 0.0, 0  # in steps, since the last point
        self._all_busy, self._all_steps = 0.0, 0  # in steps, before that
        self._point_at = 0.0
        self._saved_at = time.monotonic()
        self.save_took = 0.0
        """Seconds that the last checkpoint took."""
        self.look_took = 0.0
        """Seconds that the last sample and the look inside took."""

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around one step."""
        began = time.perf_counter()
        yield
        self._busy += time.perf_counter() - began
        self._steps += 1

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Around one checkpoint."""
        began = time.monotonic()
        yield
        self._saved_at = time.monotonic()
        self.save_took = self._saved_at - began

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Around a sample and a look inside."""
        began = time.monotonic()
        yield
        self.look_took = time.monotonic() - began

    def since_last_point(self) -> float:
        """Tokens per second of learning since the last call."""
        found = round(self._steps * self._config.tokens_per_step / self._busy, 1)
        self._all_busy, self._all_steps = self._all_busy + self._busy, self._all_steps + self._steps
        self._busy, self._steps = 0.0, 0
        self._point_at = time.monotonic()
        return found

    def overall(self) -> float | None:
        """Tokens per second of learning in all points so far."""
        if not self._all_steps:
            return None
        return round(self._all_steps * self._config.tokens_per_step / self._all_busy, 1)

    def point_is_due(self, run_seconds: float) -> bool:
        """Three points a second at first, fewer when the run grows long."""
        return time.monotonic() - self._point_at >= min(max(0.3, run_seconds / POINTS_IN_A_RUN), 5.0)

    def save_is_due(self) -> bool:
        """In time before the longest pause is over; where saving takes half of that pause, as long as saving took."""
        per_step = self._all_busy / self._all_steps if self._all_steps else 0.0
        pause = 0.9 * self._config.checkpoint_seconds - self.save_took - per_step
        if not self.save_took:
            pause = min(pause, FIRST_SAVE)
        return time.monotonic() - self._saved_at >= max(pause, self.save_took)
