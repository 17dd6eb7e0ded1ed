"""The processes that train one run. Here one alone, for which nothing needs to be agreed; `distributed` has several."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.training import devices


class Alone:
    """A team of one. Rank 0 decides; what it tells, the others do at the same time."""

    rank = 0
    size = 1

    def device(self, word: str) -> torch.device:
        """Where this process computes."""
        return devices.pick(word)

    def share(self, batch: int) -> slice:
        """Which rows of a batch are this process's."""
        return slice(0, batch)

    def tell(self, do: str, **words: object) -> None:
        """Make the others call this method of their learner, too."""

    def same_weights(self, model: nn.Module) -> None:
        """Begin with the weights of rank 0."""

    def shard(self, model: Model) -> Model | None:
        """Spread the weights over the processes, if asked to; rank 0 keeps what this returns, to be looked at."""
        return None

    def wrap(self, loss: nn.Module) -> nn.Module:
        """Make gradients those of all processes together."""
        return loss

    def adding_up(self, loss: nn.Module, *, last: bool) -> AbstractContextManager[object]:
        """Around one part of an accumulated batch."""
        return nullcontext()

    def begin_step(self, seed: int, step: int) -> None:
        """Before a step's random numbers are drawn."""

    def mean(self, loss: Tensor) -> Tensor:
        """The mean over the processes."""
        return loss

    def whole(self, parameters: Iterator[tuple[str, nn.Parameter]]) -> Iterator[tuple[str, Tensor]]:
        """Each parameter as one tensor."""
        yield from parameters

    def explain(self, error: Exception) -> LearnerError | None:
        """What to tell a person when it was another process that failed."""
        return None
