"""Validation during a run: by what it is steered, when it is measured, and when its aim is reached."""

from collections.abc import Callable
from typing import Any

from llmlab.models.build import Model
from llmlab.training.config import TrainConfig
from llmlab.training.objective import Measured
from llmlab.training.schedules import Schedule

NEAR = 1.03
"""Within this factor of the loss aimed at, measurements are four times as frequent."""


class Steering:
    """Measurements of one run. A part of the validation text steers it; the whole has the last word."""

    def __init__(self, config: TrainConfig, validation: Measured, schedule: Schedule) -> None:
        self._target = config.until_val_loss
        self._validation = validation
        self._schedule = schedule
        self._every = config.eval_every or _usual_pause(config)
        self._part: dict[int, float] = {}
        self._whole: dict[int, float] = {}
        self._aimed: float | None = None  # as found at a regular measurement: others come by the clock
        self.aimed_at: int | None = None
        """The step of that measurement. A checkpoint written there leaves the aiming to be done again."""
        self.offset = 0.0
        """The loss on the whole minus that on the part, as last found at one and the same step."""
        self.reached = False

    def due(self, step: int) -> bool:
        """Whether to measure at this step: 5, 10, 20 … and then regularly."""
        every = self._every
        if self._target is not None and self._aimed is not None and self._aimed + self.offset < NEAR * self._target:
            every = max(1, every // 4)
        early = step % 5 == 0 and (step // 5).bit_count() == 1 and step < every
        return early or step % every == 0

    def measure(self, step: int, model: Model) -> float:
        """The loss on the part."""
        if step not in self._part:
            self._part = {step: self._validation.steering_loss(model)}
        return self._part[step]

    def measured(self, step: int) -> float | None:
        """The loss on the part if it was measured at this step."""
        return self._part.get(step)

    def confirm(self, step: int, model: Model, beat: Callable[[], None]) -> float:
        """The loss on the whole."""
        if step not in self._whole:
            self._whole = {step: self._validation.whole_loss(model, beat)}
        return self._whole[step]

    def aim(self, step: int, model: Model, save: Callable[[], None], beat: Callable[[], None]) -> None:
        """Begin the cooldown in time, and confirm on the whole text when the aim seems reached; `save` comes before."""
        if self._target is None:
            return
        loss = self._aimed = self.measure(step, model)
        self.aimed_at = step
        self._schedule.steer(step, loss + self.offset)
        if loss + self.offset <= self._target:
            save()
            whole = self.confirm(step, model, beat)
            self.offset = whole - loss
            self.reached = whole <= self._target

    def state(self) -> dict[str, Any]:
        """What `restore` needs."""
        return {
            "cooling": self._schedule.cooling,
            "offset": self.offset,
            "aimed": self._aimed,
            "aimed_at": self.aimed_at,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as after `state()`, at the step of a checkpoint."""
        self._schedule.cooling = (state["cooling"][0], state["cooling"][1]) if state["cooling"] else None
        self.offset, self._aimed, self.aimed_at = state["offset"] or 0.0, state.get("aimed"), state.get("aimed_at")
        self._part = {} if state["val_loss"] is None else {state["step"]: state["val_loss"]}


def _usual_pause(config: TrainConfig) -> int:
    """Steps such that reading `eval_tokens`, at a third of the price of learning from them, takes 4 % of the time."""
    steps = 0.35 * config.eval_tokens / (0.04 * config.tokens_per_step)
    return max(10, -(-int(steps) // 10) * 10)
