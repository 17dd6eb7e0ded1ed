"""A run's background process: `python -m llmlab.training.worker RUN`, or several of them under `torchrun`.

With `--wait` instead of RUN it loads all that training needs and then waits for a run's folder on its standard input,
so that a curve moves soon after a click. It ends by itself when nobody wants it.
"""

import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from llmlab.i18n import LearnerError
from llmlab.training.background import lower_priority
from llmlab.training.jobs import LocalQueue

if TYPE_CHECKING:
    from llmlab.training.distributed import Ranks

PATIENCE = 900.0
"""Seconds that a warm process waits."""


def main(words: list[str]) -> int:
    """Train the run that the words, or standard input, name. Returns the exit code."""
    started = None
    if words == ["--wait"]:
        folder = _wait()
        if folder is None:
            return 0
        started = time.time()
    else:
        folder = words[0]
    run = Path(folder)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return _with_others(run)
    return _train(run, started)


def _with_others(run: Path) -> int:
    """As one of the processes that torchrun started. Rank 0 trains; the others follow, and write nothing."""
    from llmlab.training import distributed, runs

    lower_priority(5)
    config = runs.config(run)
    team = distributed.Ranks(config)
    if team.rank == 0:
        code = _train(run, None, team)
        if code == 0:
            team.end()
            _leave()
        return code
    try:
        distributed.follow(run, config, team)
    except LearnerError as error:
        print(error, file=sys.stderr)
        return 2
    _leave()
    return 0


def _leave() -> None:
    """End at once: taking the connections down in order may wait for another process that is already gone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _train(run: Path, started: float | None, team: "Ranks | None" = None) -> int:
    _log_to(run / "log.txt")
    lower_priority(5)
    try:
        from llmlab.training import loop

        loop.train(
            run,
            resume=True,
            report=_print,
            started=started or loop.process_start(),
            queued=LocalQueue().has(run),
            team=team,
        )
    except LearnerError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        LocalQueue().leave(run)
    return 0


def _wait() -> str | None:
    from llmlab.training import warming

    tired = threading.Timer(PATIENCE, os._exit, [0])
    tired.daemon = True
    tired.start()
    warming.warm()
    folder = sys.stdin.readline().strip()
    tired.cancel()
    return folder or None


def _log_to(path: Path) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)


def _print(point: dict[str, object]) -> None:
    print(" ".join(f"{name} {value:.6g}" for name, value in point.items() if isinstance(value, int | float)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
