"""Several processes that train one run: `torchrun --nproc_per_node N -m llmlab.training.worker RUN`.

Rank 0 is the trainer, as it is when alone: it holds the lock, decides, measures, writes. Before anything that needs
all, it tells the others what; these do nothing but wait for its word and follow. So there is nothing to agree on, and
clocks, stops and limits are rank 0's alone. With `ddp` each process holds the model and the gradients are averaged;
with `fsdp` (fully_shard, Zhao et al. 2023) each holds its part of every weight, gradient and optimizer state.
"""

import copy
import json
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.fsdp import fully_shard
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from llmlab.i18n import LearnerError
from llmlab.models.build import Model, build
from llmlab.models.config import read_config
from llmlab.training import devices, machine, runs
from llmlab.training.config import TrainConfig
from llmlab.training.learner import Learner
from llmlab.training.preparation import prepare
from llmlab.training.team import Alone

PATIENCE = timedelta(days=1)
"""While rank 0 measures, the others wait. A dead process is noticed by its closed connection, not by this."""
LONGEST_WORD = 8192
FAILED = "llmlab_failed"
END = "end"


class Ranks(Alone):
    """This process among those that torchrun started, as its environment says."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self.rank, self.size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        self._store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
        # Orders go through main memory (gloo), gradients from GPU to GPU (nccl).
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(
            backend,
            store=PrefixStore("llmlab", self._store),
            rank=self.rank,
            world_size=self.size,
            timeout=PATIENCE,
        )
        if self.rank:  # a wish to stop is rank 0's to hear; the others leave when it says so, or is gone
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)

    def device(self, word: str) -> torch.device:
        """A GPU for each process, or the processor for all."""
        device = devices.pick("cpu" if word == "auto" and not torch.cuda.is_available() else word)
        if device.type == "mps":
            raise LearnerError("training.device", device=word, known="auto, cpu, cuda")
        if device.type == "cuda":
            device = devices.pick(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
            torch.cuda.set_device(device)
        return device

    def share(self, batch: int) -> slice:
        """An equal part for each. Raises LearnerError when the batch cannot be divided so."""
        if batch % self.size:
            above = batch - batch % self.size + self.size
            fitting = [n for n in (above - self.size, above) if n]
            raise LearnerError(
                "training.batch_share", batch=batch, processes=self.size, fitting=", ".join(map(str, fitting))
            )
        rows = batch // self.size
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def tell(self, do: str, **words: object) -> None:
        """Say to all others what is done now."""
        if self.rank == 0:
            content = json.dumps({"do": do, **words}).encode()
            assert len(content) <= LONGEST_WORD
            dist.broadcast(torch.frombuffer(bytearray(content.ljust(LONGEST_WORD)), dtype=torch.uint8), 0)

    def hear(self) -> dict[str, Any]:
        """What rank 0 says next."""
        content = torch.empty(LONGEST_WORD, dtype=torch.uint8)
        dist.broadcast(content, 0)
        return dict(json.loads(content.numpy().tobytes()))

    def same_weights(self, model: nn.Module) -> None:
        """Begin with the weights of rank 0."""
        for parameter in model.parameters():
            dist.broadcast(parameter.data, 0)

    def shard(self, model: Model) -> Model | None:
        """Block by block, and what is left. A whole copy stays on rank 0: measuring and writing need all weights."""
        if self._config.parallel != "fsdp":
            return None
        whole = copy.deepcopy(model) if self.rank == 0 else None
        for block in model.blocks:
            fully_shard(block)
        fully_shard(model)
        return whole

    def wrap(self, loss: nn.Module) -> nn.Module:
        """Make gradients those of all processes together."""
        return loss if self._config.parallel == "fsdp" else DistributedDataParallel(loss)

    def adding_up(self, loss: nn.Module, *, last: bool) -> AbstractContextManager[object]:
        """Gradients need to be exchanged once, after the last part. FSDP exchanges each time: that keeps them small."""
        if isinstance(loss, DistributedDataParallel) and not last:
            return loss.no_sync()
        return nullcontext()

    def begin_step(self, seed: int, step: int) -> None:
        """A seed for each step and rank: dropout differs between ranks, and nothing of it needs to be saved."""
        torch.manual_seed(int(np.random.SeedSequence([seed, step, self.rank]).generate_state(1)[0]))

    def mean(self, loss: Tensor) -> Tensor:
        """The mean over the processes."""
        dist.all_reduce(loss)
        return loss / self.size

    def whole(self, parameters: Iterator[tuple[str, nn.Parameter]]) -> Iterator[tuple[str, Tensor]]:
        """Each parameter as one tensor; every rank has to ask for every one."""
        for name, parameter in parameters:
            yield name, parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter

    def fail(self, error: LearnerError) -> None:
        """Leave word of what went wrong here for rank 0 to tell."""
        parameters = {name: str(value) for name, value in error.parameters.items()}
        self._store.set(FAILED, json.dumps({"phrase": error.phrase, "parameters": parameters}))

    def explain(self, error: Exception) -> LearnerError | None:
        """What another process said before it ended; that it is gone, if it said nothing."""
        if self._store.check([FAILED]):
            said = json.loads(self._store.get(FAILED))
            return LearnerError(said["phrase"], **said["parameters"])
        lost = isinstance(error, dist.DistError) or "gloo" in str(error)
        return LearnerError("training.rank_lost", processes=self.size) if lost else None

    def end(self) -> None:
        """All leave together."""
        self.tell(END)
        dist.barrier()


def asked_for() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def follow(run: Path, config: TrainConfig, team: Ranks) -> None:
    """The work of every rank but 0: what it says, until it says that all is done.

    Raises LearnerError for whatever a person can mend, and leaves word of it to rank 0.
    """
    try:
        if team.hear()["do"] == END:  # there was nothing to train
            dist.barrier()
            return
        device = team.device(config.device)
        chosen = runs.about(run)["machine"]
        machine.use(chosen["threads"], device)
        config = replace(config, precision=chosen["precision"])
        model = build(read_config(runs.about(run)["model"]))
        learner = Learner(model, prepare(run, config, lambda phrase: None), config, device, team)
        while (order := team.hear())["do"] != END:
            getattr(learner, order.pop("do"))(**order)
    except LearnerError as error:
        team.fail(error)
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        told = LearnerError("training.out_of_memory", batch=max(team.size, config.batch // 2))
        team.fail(told)
        raise told from error
    dist.barrier()
