"""Where things lie on this machine: what the learner makes and fetches, and the models that come with the project."""

import os
from pathlib import Path

from llmlab.i18n import LearnerError


def home() -> Path:
    """The folder of runs and cache: `LLMLAB_HOME`, else `~/.llmlab`. Made when missing.

    Raises LearnerError when it cannot be a folder we write in.
    """
    return _made(Path(os.environ.get("LLMLAB_HOME") or "~/.llmlab").expanduser().absolute())


def cache() -> Path:
    """The folder of what was fetched and can be fetched again: deleting it loses only time."""
    return _made(home() / "cache")


def locks() -> Path:
    """The folder of the locks by which processes wait for each other."""
    return _made(home() / "locks")


def assets() -> Path:
    """The folder of embedded models: beside the package, or where `LLMLAB_ASSETS` says. It need not exist."""
    return Path(os.environ.get("LLMLAB_ASSETS") or Path(__file__).parents[2] / "assets")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LearnerError("hub.home_unusable", folder=folder, detail=error.strerror or str(error)) from error
    return folder
