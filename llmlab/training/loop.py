"""One run from beginning to end: the same function for the command line, the background worker and a notebook."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch

from llmlab.hub.lock import Busy, Lock
from llmlab.i18n import LearnerError
from llmlab.training import durable, runs
from llmlab.training.board import Board, Report
from llmlab.training.status import LOCK, STOP
from llmlab.training.team import Alone
from llmlab.training.trainer import Trainer


def train(
    run: Path,
    *,
    resume: bool = False,
    report: Report | None = None,
    started: float | None = None,
    queued: bool = False,
    team: Alone | None = None,
) -> dict[str, Any]:
    """Train a run to its end, or until it is stopped.

    `report` gets each point of the curves as it is made. `started` is when the process began, in seconds since the
    epoch; now by default. `queued`: the queue has cleared away old wishes to stop, so that one found at the start was
    made while the process was loading, and holds. `team`: the
    processes that train it together, this one being rank 0. Returns steps, seconds, train_loss, val_loss (of
    `checkpoint`, the best one, over all of the validation text), tokens_per_second, parameters and checkpoint.
    Raises LearnerError for whatever a person can mend; the run's status then says the same.
    """
    started = time.time() if started is None else started
    config = runs.config(run)
    team = team or Alone()
    try:
        with Lock(run / LOCK):
            if runs.last(run) is not None and not resume:
                raise LearnerError("training.run_exists", run=run.name)
            if runs.status(run).state != "finished":
                if not queued:
                    (run / STOP).unlink(missing_ok=True)
                durable.remove_leftovers(run)
                board = Board(run, report, started)
                with _faults_told(board, run, config.batch, team):
                    Trainer(run, config, board, team).train()
            return result(run)
    except Busy:
        raise LearnerError("training.locked", run=run.name) from None


def process_start() -> float:
    """When this process began, in seconds since the epoch: what `--seconds` counts from."""
    return float(psutil.Process().create_time())


def result(run: Path) -> dict[str, Any]:
    """What an ended run came to."""
    status = runs.status(run)
    return {
        "steps": status.step,
        "seconds": round(status.seconds, 3),
        "train_loss": status.train_loss,
        "val_loss": status.val_loss,
        "tokens_per_second": status.tokens_per_second,
        "parameters": status.parameters,
        "checkpoint": str(runs.best(run)) if runs.last(run) else None,
    }


@contextmanager
def _faults_told(board: Board, run: Path, batch: int, team: Alone) -> Iterator[None]:
    """Whatever ends the training also stands in the run's status; what a person can mend is a LearnerError."""
    try:
        yield
    except LearnerError as error:
        board.fail(error)
        raise
    except (MemoryError, torch.OutOfMemoryError) as error:
        told = LearnerError("training.out_of_memory", batch=max(1, batch // 2))
        board.fail(told)
        raise told from error
    except OSError as error:
        told = durable.disk_error(error, run)
        board.fail(told)
        raise told from error
    except Exception as error:
        if (elsewhere := team.explain(error)) is not None:
            board.fail(elsewhere)
            raise elsewhere from error
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            told = LearnerError("training.compile", detail=str(error).splitlines()[0])
            board.fail(told)
            raise told from error
        board.fail(LearnerError("training.crashed", detail=f"{type(error).__name__}: {error}"))
        raise
