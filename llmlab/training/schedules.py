"""The learning rate over a run: a short rise, then a cosine (Loshchilov & Hutter 2017) or a trapezoid, flat and then
straight down (Zhai et al. 2022, Hägele et al. 2024).

What "over a run" means follows the limits. With a number of steps it is step / steps, so that the same steps give the
same model on any machine; with seconds alone it is the share of the time that is gone. With a validation loss to reach
nobody knows the end: the rate stays high until the loss is near enough for a cooldown to bring it down, and then cools.
"""

import math
from dataclasses import dataclass, field

from llmlab.training.config import TrainConfig

REACH = 0.08
"""A cooldown as long as what went before it lowers the validation loss by about this share (7 to 10 % where measured:
Shakespeare's plays and Tang poems, by characters, 0.8 to 2.7 million parameters)."""

FLOOR = 0.1
"""Share of the highest rate at which such a cooldown ends, and waits for half its length to reach the aim after all."""


@dataclass
class Schedule:
    """The learning rate of each step. `cooling` is (first step, steps) of a cooldown towards a loss, once it began."""

    config: TrainConfig
    cooling: tuple[int, int] | None = field(default=None)

    def lr(self, step: int, time_share: float) -> float:
        """Learning rate of a step (the first is 0), `time_share` of the run's time being gone."""
        config = self.config
        peak, final = config.peak_lr, config.final_lr
        rise = self._rise(step)
        if rise < 1:
            return peak * rise
        if config.until_val_loss is not None:
            return peak * (1 - (1 - FLOOR) * self._cooled(step))
        if config.steps is not None:
            warmup = self._warmup()
            share = (step - warmup) / max(1, config.steps - warmup)
        else:
            share = time_share
        return final + (peak - final) * self._shape(min(max(share, 0.0), 1.0))

    def steer(self, step: int, val_loss: float) -> None:
        """Begin a cooldown when the loss aimed at is within its reach; if it falls short, learn on and try again."""
        target = self.config.until_val_loss
        if target is None or (self.cooling is not None and step < self.cooling[0] + 2 * self.cooling[1]):
            return
        if val_loss <= target * (1 + REACH):
            self.cooling = (step, max(20, step))

    def _warmup(self) -> int:
        return min(self.config.warmup, self.config.steps // 5) if self.config.steps else self.config.warmup

    def _rise(self, step: int) -> float:
        warmup = self._warmup()
        return (step + 1) / (warmup + 1) if step < warmup else 1.0

    def _cooled(self, step: int) -> float:
        """How far a cooldown towards a loss has come: 0 before it, 1 at its end and for some time after."""
        if self.cooling is None:
            return 0.0
        begun, length = self.cooling
        return min(1.0, (step - begun) / length) if step < begun + 1.5 * length else 0.0

    def _shape(self, share: float) -> float:
        if self.config.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * share))
        if self.config.cooldown == 0:
            return 1.0
        return min(1.0, (1 - share) / self.config.cooldown)
