"""Trainings in the background, first come first served: one at a time on a CPU, one on each GPU.

`JobBackend` is the seam for other queues. `LocalQueue` keeps a ticket for each run in a folder, and nothing in memory:
any process that looks may hand a free place to the next ticket, and so does a trainer when it ends. It therefore
survives restarts of the app, and needs no service of its own.
"""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from llmlab.hub.home import home
from llmlab.hub.lock import Lock
from llmlab.i18n import LearnerError
from llmlab.training import durable, runs
from llmlab.training import status as run_status
from llmlab.training.background import began, detached, environment
from llmlab.training.status import ENDED, STOP, RunStatus

ENDING_SECONDS = 5.0
"""The longest that a process takes to go once its training is over."""


class JobBackend(Protocol):
    """Who carries out trainings."""

    def submit(self, run: Path) -> None:
        """Train this run as soon as there is a place."""

    def stop(self, run: Path) -> None:
        """End it: at once when it is still waiting, else after a last checkpoint."""

    def status(self, run: Path) -> RunStatus:
        """Where it stands."""


class LocalQueue:
    """A JobBackend of processes on this machine. `places`: how many train at once."""

    def __init__(self, places: int | None = None) -> None:
        self._folder = home() / "queue"
        self._folder.mkdir(exist_ok=True)
        self._places = places or max(1, gpu_count())

    def submit(self, run: Path) -> None:
        """Train this run as soon as there is a place. Raises LearnerError when it is already training or waiting."""
        run = run.absolute()
        self._await_end(run)
        with self._lock():
            if runs.is_training(run) or self._ticket(run) is not None:
                raise LearnerError("training.already_queued", run=run.name)
            (run / STOP).unlink(missing_ok=True)
            stood = run_status.read(run)
            run_status.write(run, replace(stood, state="queued", doing=None, error=None, time_left=None))
            durable.write_json(self._folder / f"{time.time_ns():020d}.json", {"run": str(run), "pid": None})
            self._advance()

    def _await_end(self, run: Path) -> None:
        """Wait a moment for the process of a training that is over, but has not left the queue yet."""
        until = time.monotonic() + ENDING_SECONDS
        while time.monotonic() < until and self.has(run) and run_status.read(run).state in ENDED:
            time.sleep(0.02)
            self.advance()

    def stop(self, run: Path) -> None:
        """End it: at once when it is still waiting, else after a last checkpoint."""
        run = run.absolute()
        with self._lock():
            ticket = self._ticket(run)
            if ticket is not None and _content(ticket)["pid"] is None:
                ticket.unlink(missing_ok=True)
                run_status.write(run, replace(run_status.read(run), state="stopped"))
            elif ticket is not None or runs.is_training(run):
                runs.request_stop(run)

    def status(self, run: Path) -> RunStatus:
        """Where it stands; looking also starts what can be started."""
        self.advance()
        return runs.status(run)

    def has(self, run: Path) -> bool:
        """Whether it waits, or was given a place."""
        with self._lock():
            return self._ticket(run.absolute()) is not None

    def position(self, run: Path) -> int:
        """How many runs are before it, those that are training included; 0 once it has begun."""
        self.advance()
        run = run.absolute()
        tickets = self._tickets()
        found = [i for i, ticket in enumerate(tickets) if _content(ticket).get("run") == str(run)]
        if not found or _content(tickets[found[0]])["pid"] is not None:
            return 0
        return found[0]

    def advance(self) -> None:
        """Clear the tickets of dead processes, and give free places to those who wait longest."""
        with self._lock():
            self._advance()

    def leave(self, run: Path) -> None:
        """A trainer's last act: give its place to the next."""
        with self._lock():
            ticket = self._ticket(run.absolute())
            if ticket is not None:
                ticket.unlink(missing_ok=True)
            self._advance()

    def _advance(self) -> None:
        taken = []
        for ticket in self._tickets():
            content = _content(ticket)
            if not content.get("run") or not runs.is_run(Path(content["run"])):
                ticket.unlink(missing_ok=True)
            elif content["pid"] is not None and _alive(content):
                taken.append(content["place"])
            elif content["pid"] is not None:
                self._bury(ticket, Path(content["run"]))
        free = [place for place in range(self._places) if place not in taken]
        for ticket in self._tickets():
            content = _content(ticket)
            if free and content["pid"] is None:
                place = free.pop(0)
                pid = _start(Path(content["run"]), place if self._places > 1 else None)
                durable.write_json(ticket, content | {"pid": pid, "began": began(pid), "place": place})

    def _bury(self, ticket: Path, run: Path) -> None:
        ticket.unlink(missing_ok=True)
        left = run_status.read(run)
        if left.state == "queued":  # it never came as far as saying that it began
            error = {"phrase": "training.not_started", "parameters": {"run": run.name}}
            run_status.write(run, replace(left, state="failed", error=error))

    def _lock(self) -> Lock:
        return Lock(self._folder / "lock", wait=10)

    def _tickets(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.json"))

    def _ticket(self, run: Path) -> Path | None:
        return next((ticket for ticket in self._tickets() if _content(ticket).get("run") == str(run)), None)


def _alive(content: dict[str, Any]) -> bool:
    """Whether the ticket's trainer lives: its number is still that process's. The times of birth differ when another
    process got the number, but also when the clock was set since; then the run's lock tells.
    """
    born = began(content["pid"])
    return born is not None and (born == content["began"] or runs.is_training(Path(content["run"])))


def _content(ticket: Path) -> dict[str, Any]:
    found = durable.read_json(ticket)
    return found if isinstance(found, dict) else {"run": None, "pid": None}


_warm: dict[Path, "subprocess.Popen[bytes]"] = {}
"""The waiting process of each home: it took its surroundings along when it was started."""
_children: list["subprocess.Popen[bytes]"] = []


def prewarm() -> None:
    """Start a process that loads torch and waits, so that the next run submitted by this process begins at once."""
    waiting = _warm.get(home())
    if waiting is None or waiting.poll() is not None:
        _warm[home()] = _spawn("--wait", stdin=subprocess.PIPE)


def _start(run: Path, place: int | None) -> int:
    """The number of the process that trains a run from now on."""
    process = _warm.pop(home(), None) if place is None else None
    if process is not None and process.poll() is None and process.stdin is not None:
        with suppress(OSError):  # it ended just now
            process.stdin.write(f"{run}\n".encode())
            process.stdin.close()
            return process.pid
    return _spawn(str(run), stdin=subprocess.DEVNULL, place=place).pid


def _spawn(word: str, *, stdin: int, place: int | None = None) -> "subprocess.Popen[bytes]":
    surroundings = environment()
    if place is not None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        surroundings["CUDA_VISIBLE_DEVICES"] = visible[place] if place < len(visible) and visible[0] else str(place)
    _children[:] = [child for child in _children if child.poll() is None]  # asking also buries the dead
    child = subprocess.Popen(
        [sys.executable, "-m", "llmlab.training.worker", word],
        env=surroundings,
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **detached(),
    )
    _children.append(child)
    return child


@cache
def gpu_count() -> int:
    """How many NVIDIA GPUs there are, found without loading torch."""
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return 0
    found = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)
    there = sum(line.startswith("GPU ") for line in found.stdout.splitlines())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return min(there, len(visible.split(","))) if visible else there
