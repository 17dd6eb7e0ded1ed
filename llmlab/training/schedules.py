"""The learning rate over a run: a short rise, then a cosine (Loshchilov & Hutter 2017) or a trapezoid, flat and then
straight down (Zhai et al. 2022, Hägele et al. 2024).

What "over a run" means follows the limits. With a number of steps it is step / steps, so that the same steps give the
same model on any machine; with seconds alone it is the share of the time that is gone. With a validation loss to reach
nobody knows the end: the rate stays high until the loss is near enough for a cooldown to bring it down, and then cools.
"""

import math
from dataclasses import dataclass, field

from llmlab.training.config import TrainConfig

REACH = 0.06
"""A cooldown brings the validation loss down by about this share: measured on characters of Shakespeare."""

COOLDOWN_SHARE = 0.3
"""Length of such a cooldown, as a share of the steps before it."""


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
            return peak + (final - peak) * self._cooled(step)
        if config.steps is not None:
            warmup = self._warmup()
            share = (step - warmup) / max(1, config.steps - warmup)
        else:
            share = time_share
        return final + (peak - final) * self._shape(min(max(share, 0.0), 1.0))

    def steer(self, step: int, val_loss: float) -> None:
        """Begin a cooldown when the loss aimed at is within its reach; if it falls short, wait and try again."""
        target = self.config.until_val_loss
        if target is None:
            return
        begun = self.cooling[0] + self.cooling[1] if self.cooling else 0
        resting = self.cooling is not None and step < begun + self.cooling[1]
        if val_loss <= target * (1 + REACH) and not resting:
            self.cooling = (step, max(20, int(COOLDOWN_SHARE * step)))

    def _warmup(self) -> int:
        return min(self.config.warmup, self.config.steps // 5) if self.config.steps else self.config.warmup

    def _rise(self, step: int) -> float:
        warmup = self._warmup()
        return (step + 1) / (warmup + 1) if step < warmup else 1.0

    def _cooled(self, step: int) -> float:
        if self.cooling is None or step >= sum(self.cooling):
            return 0.0
        return (step - self.cooling[0]) / self.cooling[1]

    def _shape(self, share: float) -> float:
        if self.config.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * share))
        if self.config.cooldown == 0:
            return 1.0
        return min(1.0, (1 - share) / self.config.cooldown)
