"""What a running trainer tells the world: its status with a heartbeat, and the points of the curves."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from llmlab.i18n import LearnerError
from llmlab.training import durable, status
from llmlab.training.status import STOP, RunStatus, State

HEARTBEAT = 0.5

Report = Callable[[dict[str, Any]], None]


class Board:
    """The status and metrics of one run while its process lives.

    `started`: when the process began (seconds since the epoch); `before`: seconds that earlier processes worked on it.
    """

    def __init__(self, run: Path, report: Report | None, started: float) -> None:
        self._run = run
        self._report = report
        self._started = started
        self._written = 0.0
        self.before = 0.0
        self.stop_asked = False
        self.now = RunStatus(state="starting")
        self.show()

    @property
    def seconds(self) -> float:
        """Time spent on the run so far, over all its processes."""
        return self.before + time.time() - self._started

    def ask_to_stop(self) -> None:
        """End at the next opportunity, with a checkpoint."""
        self.stop_asked = True

    def say(self, phrase: str) -> None:
        """Show what is being done before or after the training proper."""
        self.show(doing=phrase)

    def show(self, **changes: Any) -> None:
        """Change the status and write it at once."""
        self.now = replace(self.now, **{name: _finite(value) for name, value in changes.items()}, seconds=self.seconds)
        self._written = time.monotonic()
        status.write(self._run, self.now)

    def beat(self, **changes: Any) -> None:
        """Change the status and write it if the last time was half a second ago; see whether a stop was asked for."""
        if time.monotonic() - self._written < HEARTBEAT:
            self.now = replace(self.now, **{name: _finite(value) for name, value in changes.items()})
            return
        self.stop_asked = self.stop_asked or (self._run / STOP).exists()
        self.show(**changes)

    def point(self, line: dict[str, Any]) -> None:
        """Add a point to the curves."""
        line = {name: _finite(value) for name, value in line.items()}
        durable.append_line(self._run / "metrics.jsonl", line)
        if self._report is not None:
            self._report(line)

    def complete_last_point(self, step: int, measured: dict[str, float], best: dict[str, Any]) -> None:
        """Add to the curves how the run ended: `best` is what `end` says of the best checkpoint; `measured` belongs to
        `step`, whose point may have been made before there was a measurement.
        """
        path = self._run / "metrics.jsonl"
        if lines := durable.read_lines(path):
            here = measured if lines[-1]["step"] == step else {}
            durable.write_lines(path, [*lines[:-1], {**here, **lines[-1], "best": best}])

    def sample(self, line: dict[str, Any]) -> None:
        """Add a text that the model wrote."""
        durable.append_line(self._run / "samples.jsonl", line)

    def cut(self, step: int) -> None:
        """Forget what was told of steps past this one."""
        for name in ("metrics.jsonl", "samples.jsonl"):
            durable.keep_lines(self._run / name, lambda line: line["step"] <= step)

    def end(self, state: State, **changes: Any) -> None:
        """The last word of a run that was not cut short by a fault."""
        self.show(state=state, doing=None, time_left=None, **changes)

    def fail(self, error: LearnerError) -> None:
        """The last word of a run that was. A full disk must not hide what went wrong."""
        parameters = {k: v if isinstance(v, int | float | str) else str(v) for k, v in error.parameters.items()}
        try:
            self.show(
                state="failed", doing=None, time_left=None, error={"phrase": error.phrase, "parameters": parameters}
            )
        except OSError:
            return


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
