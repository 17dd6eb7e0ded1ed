"""What learns: a model, its optimizers, and the text they read, in each process of a team.

The trainer on rank 0 decides what is done. The methods marked `@together` are then called on every rank.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import safetensors.torch
import torch
from torch import Tensor

from llmlab.models.build import Model
from llmlab.training import devices, durable, optimizers
from llmlab.training.batches_ahead import BatchesAhead
from llmlab.training.checkpoints import OPTIMIZER, STATE, load_weights
from llmlab.training.config import TrainConfig
from llmlab.training.objectives import objective
from llmlab.training.preparation import Prepared
from llmlab.training.team import Alone

P = ParamSpec("P")
R = TypeVar("R")


def together(method: "Callable[Concatenate[Learner, P], R]") -> "Callable[Concatenate[Learner, P], R]":
    """A method that all ranks call at once, with the words that rank 0 calls it with."""

    def told(self: "Learner", /, *args: P.args, **words: P.kwargs) -> R:
        assert not args, "words travel by name"
        self.team.tell(method.__name__, **words)
        return method(self, *args, **words)

    told.__doc__ = method.__doc__
    return told


class Learner:
    """One process's part in the learning. `model` may hold a part of each weight only; `looked_at()` is whole."""

    def __init__(self, model: Model, data: Prepared, config: TrainConfig, device: torch.device, team: Alone) -> None:
        self.config, self.device, self.team = config, device, team
        self.model = model.to(device).train()
        team.same_weights(self.model)
        self._whole = team.shard(self.model)
        self._whole_at: int | None = None
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizers = optimizers.build(model, config)
        self._objective = objective(config)
        self.batches = BatchesAhead(self._objective.batches(data, config), team.share(config.batch), device)
        self._wrapped = team.wrap(self._objective.loss(model, data.tokenizer))
        self._loss: Any = torch.compile(self._wrapped) if config.compile else self._wrapped
        self.step = 0
        if team.size > 1:
            self._rehearse()

    def _rehearse(self) -> None:
        """A pass that teaches nothing. After its first, DDP sorts the gradients anew, and sums in another order: had a
        resumed process its first pass later than one that went on, three of them would differ in the last bit.
        """
        blank = self._objective.blank(self.config.context, self.device)
        self._loss(*blank, self._objective.predicted(*blank))[0].backward()
        self._forget()

    @together
    def load(self, *, checkpoint: str) -> None:
        """Go back to where a checkpoint was written."""
        folder = Path(checkpoint)
        load_weights(self.model, folder)
        optimizers.load_state_tensors(self.model, self.optimizers, safetensors.torch.load_file(folder / OPTIMIZER))
        state = durable.read_json(folder / STATE)
        self.step = state["step"]
        self.batches.restore(state["windows"])
        self._whole_at = None

    @together
    def find_gradients(self, *, lr: float) -> tuple[Tensor, Tensor]:
        """The loss of the next batch, and the length of its gradient before it was cut.

        The loss is the mean over all tokens that the team predicts, in whichever process and part of the batch.
        """
        config = self.config
        self.team.begin_step(config.seed, self.step)
        optimizers.set_lr(self.optimizers, lr)
        loss = torch.zeros((), device=self.device)
        parts = [self.batches.next() for _ in range(config.accumulate)]  # of each a row for each example
        predicted = self.team.mean(torch.stack([self._objective.predicted(*part) for part in parts]).mean())
        for number, part in enumerate(parts, 1):
            with self.team.adding_up(self._wrapped, last=number == config.accumulate):
                with devices.multiplying_in(config.precision, self.device):
                    found, shown = self._loss(*part, predicted)
                (found / config.accumulate).backward()
            loss += shown / config.accumulate
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, config.clip or math.inf)
        return self.team.mean(loss), norm.full_tensor() if hasattr(norm, "full_tensor") else norm

    @together
    def move(self) -> None:
        """Let the optimizers follow the gradients."""
        for optimizer in self.optimizers:
            optimizer.step()
        self._forget()
        self.step += 1

    @together
    def optimizer_tensors(self) -> dict[str, Tensor]:
        """All that the optimizers remember, whole, by parameter and kind."""
        return optimizers.state_tensors(self.model, self.optimizers)

    def looked_at(self) -> Model:
        """The model with all of its weights, on rank 0: for measuring, writing, looking inside and saving."""
        if self._whole is None:
            return self.model
        if self._whole_at != self.step:
            self.gather()
            self._whole_at = self.step
        return self._whole

    @together
    @torch.no_grad()
    def gather(self) -> None:
        """Bring the weights of all ranks together on rank 0."""
        own = dict(self._whole.named_parameters()) if self._whole is not None else {}
        for name, tensor in self.team.whole(self.model.named_parameters()):
            if name in own:
                own[name].copy_(tensor)

    def _forget(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None
