"""`--resume`: find the run to continue, and hold the words given beside it against what the run was started with."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmlab.i18n import LearnerError
from llmlab.training import durable, recipes, runs
from llmlab.training.config import TrainConfig, word

MAY_CHANGE = ("device",)


def open_for_resume(out: str | Path, words: Mapping[str, Any], owner: str | None = None) -> Path:
    """The run to continue. With no `run.json` yet it is made from the words, if they name a corpus.

    `words`: fields of TrainConfig that were given, None standing for "not given". `device` may differ from the run's.
    Raises LearnerError when there is no such run, or a word contradicts it.
    """
    run = runs.run_path(out)
    given = {name: value for name, value in words.items() if value is not None}
    if not runs.is_run(run):
        if "corpus" not in given:
            raise LearnerError("training.nothing_to_resume", run=out)
        return runs.create(recipes.configure(given), run, owner)
    stored = runs.config(run)
    differing = [
        f"{word(name)} {'—' if getattr(stored, name) is None else getattr(stored, name)}"
        for name, value in given.items()
        if name not in MAY_CHANGE and not _same(stored, name, value)
    ]
    if differing:
        raise LearnerError("training.contradicts_run", run=run.name, words=", ".join(differing))
    if given.get("device", stored.device) != stored.device:
        about = runs.about(run)
        about["config"]["device"] = given["device"]
        durable.write_json(run / runs.RUN, about)
    return run


def _same(stored: TrainConfig, name: str, value: Any) -> bool:
    kept = getattr(stored, name)
    if name in ("corpus", "init_from"):
        return kept is not None and (kept == value or _same_place(kept, value))
    return bool((tuple(value) if isinstance(value, list) else value) == kept)


def _same_place(kept: str, value: str) -> bool:
    """Whether a path means the file of which the run keeps the whole path, be the file gone since."""
    return Path(kept).is_absolute() and os.path.realpath(kept) == os.path.realpath(Path(value).expanduser())
