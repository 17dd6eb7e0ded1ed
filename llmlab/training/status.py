"""Where a run stands: a small file that the trainer replaces about twice a second, and its reading."""

import os
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from llmlab.hub.lock import is_held
from llmlab.training import durable

State = Literal["queued", "starting", "running", "stopping", "stopped", "finished", "failed"]
ALIVE = ("starting", "running", "stopping")
ENDED = ("stopped", "finished", "failed")

LOCK = "lock"
STOP = "STOP"
STATUS = "status.json"


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One look at a run. Losses are in nats per token; times in seconds."""

    state: State = "queued"
    doing: str | None = None
    """What a run that is starting or ending is at: the key of a phrase."""
    step: int = 0
    steps: int | None = None
    """How many steps it will take, when that is known."""
    seconds: float = 0.0
    """Time spent so far, over all processes that worked on the run."""
    train_loss: float | None = None
    val_loss: float | None = None
    """The newest measurement; once ended, that of the best checkpoint on the whole validation text."""
    val_share: float | None = None
    """Once ended: the share of the validation text that `val_loss` was measured on, 1 for all of it."""
    tokens_per_second: float | None = None
    time_left: float | None = None
    grad_norm: float | None = None
    parameters: int | None = None
    checkpoint: str | None = None
    """Folder of the best checkpoint, once ended."""
    error: dict[str, Any] | None = None
    """What went wrong: `{"phrase": key, "parameters": {…}}`."""
    heartbeat: float = field(default_factory=time.time)
    pid: int | None = None


def write(run: Path, status: RunStatus) -> None:
    """Replace the run's status, with a fresh heartbeat."""
    fresh = replace(status, heartbeat=time.time(), pid=os.getpid())
    durable.write_json(run / STATUS, asdict(fresh), synced=fresh.state not in ALIVE)


def read(run: Path) -> RunStatus:
    """The run's status. A run whose process is gone without a word is `failed`, whatever its file says."""
    found = _stored(run)
    if found.state not in ALIVE:
        return found
    if is_held(run / LOCK):
        return replace(found, state="stopping") if (run / STOP).exists() else found
    found = _stored(run)  # it may have ended between the first reading and the look at the lock
    if found.state not in ALIVE:
        return found
    return replace(found, state="failed", error={"phrase": "training.died", "parameters": {"step": found.step}})


def _stored(run: Path) -> RunStatus:
    known = {f.name for f in fields(RunStatus)}
    values = durable.read_json(run / STATUS)
    if not isinstance(values, dict):
        return RunStatus(heartbeat=0.0)
    return RunStatus(**{name: value for name, value in values.items() if name in known})
