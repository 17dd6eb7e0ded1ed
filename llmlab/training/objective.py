"""What training asks of a way to learn: which examples a text gives, what their loss is, how it is measured on the
held-out text, what to show meanwhile, what to read it beside. `objectives` has them by family.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from llmlab.models.build import Model
from llmlab.text.tokenizer import Tokenizer
from llmlab.training.config import TrainConfig
from llmlab.training.preparation import Prepared

MOST_TRAINING_TOKENS = 6_000_000
"""Of a longer text the last so many are counted for the references."""


class Batches(Protocol):
    """Examples in an order that follows from a seed."""

    def next(self) -> tuple[np.ndarray, ...]:
        """The next batch: arrays of which each has a row for each example."""
        ...

    def state(self) -> dict[str, int]: ...

    def restore(self, state: dict[str, int]) -> None: ...


class Measured(Protocol):
    """The loss on the held-out text, in nats per token that is predicted; see `evaluation.Validation`."""

    tokens_per_second: float | None
    details: dict[str, float]
    """What else the last `steering_loss` found, for the curves."""

    def steering_loss(self, model: Model) -> float: ...

    def spread_loss(self, model: Model, n_tokens: int) -> tuple[float, float]: ...

    def whole_loss(self, model: Model, beat: Callable[[], None]) -> float: ...

    def whole_seconds(self) -> float: ...


class Objective(Protocol):
    """One way to learn from text."""

    def batches(self, data: Prepared, config: TrainConfig) -> Batches:
        """What to learn from."""
        ...

    def loss(self, model: Model, tokenizer: Tokenizer) -> nn.Module:
        """A module that takes a batch as tensors, and how many tokens such a batch predicts on the average: what is to
        become small, and the loss to show, detached. Over batches of one size, the mean of either is that over all
        predictions, also where one batch holds more of them than another.
        """
        ...

    def predicted(self, *batch: Tensor) -> Tensor:
        """How many tokens are to be predicted in a batch."""
        ...

    def blank(self, context: int, device: torch.device) -> tuple[Tensor, ...]:
        """A batch of one example that says nothing."""
        ...

    def validation(self, data: Prepared, config: TrainConfig) -> Measured: ...

    def sample(self, model: Model, data: Prepared, config: TrainConfig) -> dict[str, str]:
        """What the model says so far: `prompt`, and `text` that follows it."""
        ...

    def references(self, data: Prepared, write: Callable[[dict[str, Any]], None]) -> None:
        """Find the losses of those who only count; `write` them as they come. None stands for what is not known."""
        ...
