"""What to read a loss beside: blind guessing, counting tokens, counting n-grams, and, for the Tales, perfection.

Counting six characters at a time takes some seconds, so it is done in a process of its own while the training begins:
`python -m llmlab.training.references RUN` writes `references.json` in the run's folder.
"""

import subprocess
import sys
from pathlib import Path

from llmlab.training import durable, runs
from llmlab.training.background import environment, lower_priority

FILE = "references.json"


def start(run: Path) -> "subprocess.Popen[bytes] | None":
    """Begin counting in the background, unless it is done; the process, which may be ended at any time."""
    if "kneser_ney" in (found := runs.references(run)) and (found["kneser_ney"] or runs.config(run).model == "bert"):
        return None
    return subprocess.Popen(
        [sys.executable, "-m", "llmlab.training.references", str(run)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(counting: "subprocess.Popen[bytes] | None") -> None:
    """Do not leave a process behind: when the run is over, so is the counting."""
    if counting is not None:
        counting.kill()
        counting.wait()


def write(run: Path) -> None:
    """Compute the references of a run whose text is prepared."""
    from llmlab.training.objectives import objective
    from llmlab.training.preparation import prepare

    config = runs.config(run)
    data = prepare(run, config, lambda phrase: None)
    objective(config).references(data, lambda found: durable.write_json(run / FILE, found))


if __name__ == "__main__":
    lower_priority(10)
    write(Path(sys.argv[1]))
