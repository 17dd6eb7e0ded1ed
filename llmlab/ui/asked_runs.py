"""Runs that pages ask for: found again when the same was asked for before, stopped by whose they are, and where they
stand in words.
"""

from pathlib import Path
from typing import Any

from llmlab.i18n import LearnerError
from llmlab.ui import ownership
from llmlab.ui.language import language, plain, say

UNDER_WAY = ("queued", "starting", "running", "stopping")
CUT_SHORT = ("stopped", "failed")


def mine(run: Path) -> bool:
    """Whether the reader may stop, resume or delete it."""
    from llmlab.training import runs

    return ownership.owns(runs.owner(run))


def ask_for(config: Any, stem: str, purpose: str) -> None:
    """See to it that this is trained: not again if it was before, on where it was cut short.

    Raises LearnerError as creating a run does.
    """
    from llmlab.training import comparison, runs
    from llmlab.training.jobs import LocalQueue

    run = comparison.found(config)
    if run is None:
        run = runs.create(config, runs.free_path(stem), ownership.owner(), purpose=purpose)
    elif runs.status(run).state not in CUT_SHORT:
        return
    LocalQueue().submit(run)


def stop(run: Path) -> None:
    """Ask the run to end, if it is the reader's to end."""
    from llmlab.training.jobs import LocalQueue

    if mine(run):
        LocalQueue().stop(run)


def problem(status: Any) -> str | None:
    """What went wrong, in the reader's language."""
    if not status.error:
        return None
    return plain(LearnerError(status.error["phrase"], **status.error["parameters"]).say(language()))


def doing(status: Any) -> str:
    """What a run that does not learn at the moment is at. A phrase that this version does not know is left out."""
    try:
        return plain(say(status.doing or "ui_train.starting"))
    except (KeyError, FileNotFoundError):
        return say("ui_train.starting")
