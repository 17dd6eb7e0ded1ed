"""A projection in a process of its own, so that t-SNE and UMAP never hold up the page that waits for them.

What was computed once is kept by its content under `LLMLAB_HOME/cache/projections/KEY`, and found again at once, also
from another window or after a reload:

    points.npy       what is projected; gone when it is done
    status.json      share done and time spent
    picture.npy      the picture: of the moment while it is computed (t-SNE), the last when it is done
    lock             held by the process that computes
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.hub.home import cache
from llmlab.hub.lock import Busy, Lock, is_held
from llmlab.i18n import LearnerError
from llmlab.lens.projections import Method, Stopped, project, require_finite
from llmlab.training import durable
from llmlab.training.background import detached, environment, lower_priority

KEPT = 60
"""How many pictures are kept; the oldest go first."""
TO_START = 60
"""Seconds after which a process that has not begun is given up; a slow machine takes long to load torch."""
VERSION = 1
"""Raised when the same points would give another picture."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a projection stands."""

    state: str
    """"none", "waiting", "running", "done", "stopped" or "failed"."""
    share: float = 0.0
    seconds_left: float | None = None
    picture: Float[Tensor, "point dims"] | None = None
    """The picture so far; the whole one when done."""
    error: LearnerError | None = None


class ProjectionJob:
    """One projection of some points (point, d_model), found by what it is made of."""

    def __init__(self, points: Tensor, method: Method, *, dims: int = 2, seed: int = 0) -> None:
        require_finite(points)
        self._points = points.float().contiguous()
        self._asked = {"method": method, "dims": dims, "seed": seed}
        content = hashlib.sha256(self._points.numpy().tobytes())
        content.update(repr((VERSION, tuple(points.shape), method, dims, seed)).encode())
        self._folder = cache() / "projections" / content.hexdigest()[:24]

    def start(self) -> None:
        """Compute it in the background, unless it is known or on its way."""
        if self.standing().state in ("waiting", "running", "done"):
            return
        _make_room(self._folder.parent)
        self._folder.mkdir(parents=True, exist_ok=True)
        np.save(self._folder / "points.npy", self._points.numpy(), allow_pickle=False)
        for old in ("picture.npy", "STOP"):
            (self._folder / old).unlink(missing_ok=True)
        durable.write_json(self._folder / "status.json", self._asked | {"state": "waiting", "began": time.time()})
        subprocess.Popen(
            [sys.executable, "-m", "llmlab.lens.projection_job", str(self._folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            **detached(),
        )

    def stop(self) -> None:
        """Ask it to end; it looks several times a second."""
        if self._folder.is_dir():
            (self._folder / "STOP").touch()

    def standing(self) -> Standing:
        """Where it stands now."""
        told: dict[str, Any] = durable.read_json(self._folder / "status.json") or {"state": "none"}
        state, share = str(told["state"]), float(told.get("share", 0.0))
        alive = is_held(self._folder / "lock") or time.time() - told.get("began", 0.0) < TO_START
        if state in ("waiting", "running") and not alive:
            return Standing(state="failed", error=LearnerError("embeddings.died"))
        error = told.get("error")
        spent = time.time() - told.get("computing_since", time.time())
        return Standing(
            state=state,
            share=share,
            seconds_left=spent / share * (1 - share) if state == "running" and share > 0.1 else None,
            picture=self._picture() if state in ("running", "done") else None,
            error=LearnerError(error["phrase"], **error["parameters"]) if error else None,
        )

    def _picture(self) -> Tensor | None:
        try:
            return torch.from_numpy(np.load(self._folder / "picture.npy", allow_pickle=False))
        except (OSError, ValueError):
            return None


def _make_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        if not is_held(old / "lock"):
            shutil.rmtree(old, ignore_errors=True)


def main(words: Sequence[str]) -> int:
    """Compute the projection whose folder is named."""
    folder = Path(words[0])
    lower_priority(5)
    asked = durable.read_json(folder / "status.json")
    stop = folder / "STOP"

    def note(**changes: Any) -> None:
        asked.update(changes)
        durable.write_json(folder / "status.json", asked, synced=False)

    try:
        with Lock(folder / "lock"), _turn(folder.parent / "turn", stop):
            note(state="running", share=0.0, computing_since=time.time())
            _compute(folder, asked, note, stop)
    except Busy:
        pass  # another process computes the same
    except Stopped:
        note(state="stopped")
    except LearnerError as error:
        note(state="failed", error={"phrase": error.phrase, "parameters": error.parameters})
    except Exception as error:
        note(state="failed", error={"phrase": "embeddings.failed", "parameters": {"detail": str(error)[:200]}})
    return 0


def _compute(folder: Path, asked: dict[str, Any], note: Any, stop: Path) -> None:
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    points = torch.from_numpy(np.load(folder / "points.npy", allow_pickle=False))
    told_at = 0.0

    def told(share: float, picture: Tensor | None) -> bool:
        nonlocal told_at
        if time.monotonic() - told_at > 0.3:
            told_at = time.monotonic()
            if picture is not None:
                _write_picture(folder, picture)
            note(share=share)
        return not stop.exists()

    picture = project(points, asked["method"], dims=asked["dims"], seed=asked["seed"], told=told)
    _write_picture(folder, picture)
    note(state="done", share=1.0)
    (folder / "points.npy").unlink(missing_ok=True)


def _write_picture(folder: Path, picture: Tensor) -> None:
    partial = folder / "picture.partial.npy"
    np.save(partial, picture.numpy(), allow_pickle=False)
    with suppress(PermissionError):  # Windows, while a reader has it open: the next one comes soon
        partial.replace(folder / "picture.npy")


class _turn(Lock):  # noqa: N801 - used as a verb
    """One projection at a time on a machine; who waits is still asked whether it is wanted."""

    def __init__(self, path: Path, stop: Path) -> None:
        super().__init__(path, wait=0.1)
        self._stop = stop

    def __enter__(self) -> "_turn":
        while True:
            if self._stop.exists():
                raise Stopped
            with suppress(Busy):
                return super().__enter__()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
