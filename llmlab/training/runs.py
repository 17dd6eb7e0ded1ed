"""Runs are folders, and their files are the interface between trainer, app, notebook and command line.

run.json        what was asked for, by whom, and on which machine it runs
status.json     where it stands (see `status`)
data/           the encoded text and what is known of it; with tokenizer/, all that a resumed run needs
tokenizer/      the files that AutoTokenizer reads
metrics.jsonl   one line for each point of the curves; the last says of which checkpoint `status.json` speaks
samples.jsonl   what the model wrote on the way
references.json losses beside which the curve is read
probes/         looks inside the model at steps 0, 1, 2, 4, 8 …
checkpoints/    step-000200/ …: folders that transformers opens, with all that resuming needs; best.json
STOP            asks the trainer to end
log.txt         what a background trainer printed
"""

import re
import time
from pathlib import Path
from typing import Any

from llmlab import hub
from llmlab.hub.home import home
from llmlab.hub.lock import is_held
from llmlab.i18n import LearnerError
from llmlab.training import cost, durable, fine_tuning
from llmlab.training import status as run_status
from llmlab.training.config import TrainConfig
from llmlab.training.status import LOCK, STATUS, STOP, RunStatus

RUN = "run.json"
OURS = (
    *(RUN, STATUS, LOCK, STOP, "metrics.jsonl", "samples.jsonl", "references.json"),
    *("data", "tokenizer", "checkpoints", "probes"),
)
HARMLESS = (STATUS, LOCK, STOP, "log.txt")
"""What a folder may hold before a run is made in it: a `create` that was killed leaves such files."""
NAME = re.compile(r"[^\W_][\w .()+-]{0,78}[\w)+]|[^\W_]")
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def runs_dir() -> Path:
    """The folder in which runs with a bare name lie."""
    folder = home() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_path(word: str | Path) -> Path:
    """Where a run of this name or path lies, or would lie: an existing path wins, a bare new name goes to `runs_dir`.

    Raises LearnerError for a bare name that cannot be a folder's on every system.
    """
    path = Path(word).expanduser()
    if word == "":
        raise LearnerError("training.run_name", name=word)
    if isinstance(word, Path) or _is_path(str(word)) or path.exists():
        return path.absolute()
    if not NAME.fullmatch(str(word)) or RESERVED.fullmatch(str(word)):
        raise LearnerError("training.run_name", name=word)
    return runs_dir() / word


def _is_path(word: str) -> bool:
    return "/" in word or "\\" in word or word in (".", "..") or word.startswith("~")


def is_run(path: Path) -> bool:
    """Whether a folder is a run."""
    return (path / RUN).is_file()


def _is_readable(path: Path) -> bool:
    """Whether a folder is a run whose `run.json` is whole: a damaged one must not hide the others."""
    try:
        return is_run(path) and bool(config(path))
    except (ValueError, TypeError, AttributeError):
        return False


def create(
    config: TrainConfig, out: str | Path | None = None, owner: str | None = None, *, purpose: str | None = None
) -> Path:
    """Make the folder of a new run; nothing is trained yet. `owner`: a token of who may steer it.

    `purpose`: what it is for when it is no model to be used, such as `comparison`.
    Raises LearnerError when the folder is taken, or there is no such corpus.
    """
    corpus = _corpus(config.corpus)
    if config.init_from is not None:
        config = fine_tuning.adopt(config, resolve(config.init_from))
    cost.require_memory(config)
    run = run_path(out) if out is not None else free_path(Path(config.corpus).stem)
    if is_run(run):
        raise LearnerError("training.run_exists", run=run.name)
    if run.exists() and not run.is_dir():
        raise LearnerError("training.run_is_file", path=run)
    if run.exists() and any(path.name not in HARMLESS and not path.name.startswith(".") for path in run.iterdir()):
        raise LearnerError("training.folder_taken", path=run)
    try:
        run.mkdir(parents=True, exist_ok=True)
        asked = config.to_json() | {"corpus": corpus, "init_from": config.init_from and located(config.init_from)}
        about = {"version": 1, "created": time.time(), "owner": owner, "config": asked}
        if purpose is not None:
            about["purpose"] = purpose
        run_status.write(run, RunStatus())
        durable.write_json(run / RUN, about)
    except OSError as error:
        raise LearnerError("training.cannot_write", path=run, reason=error.strerror or str(error)) from error
    return run


def _corpus(word: str) -> str:
    """The corpus as a trainer finds it from any working directory: a library name, or a file by its whole path."""
    known = [entry.name for entry in hub.entries("corpus")]
    if word in known:
        return word
    if not Path(word).expanduser().is_file():
        raise LearnerError("training.no_corpus", corpus=word, known=", ".join(known))
    return located(word)


def located(word: str) -> str:
    """A path in full, so that it is found from any working directory; a name as it is."""
    path = Path(word).expanduser()
    return str(path.absolute()) if path.exists() or _is_path(word) else word


def free_path(stem: str) -> Path:
    """Where a new run named after `stem` would lie: with the first number that is free."""
    cleaned = re.sub(r"[^\w-]+", "-", stem).strip("-_")[:40] or "run"
    number = 1
    while (path := runs_dir() / f"{cleaned}-{number}").exists():
        number += 1
    return path


def about(run: Path) -> dict[str, Any]:
    """All of `run.json`. Raises LearnerError when the folder is not a run."""
    found = durable.read_json(run / RUN)
    if not isinstance(found, dict) or "config" not in found:
        raise LearnerError("training.no_run", run=run)
    return found


def config(run: Path) -> TrainConfig:
    """What the run was asked to do."""
    return TrainConfig.from_json(about(run)["config"])


def owner(run: Path) -> str | None:
    """The token of who started the run."""
    token: str | None = about(run).get("owner")
    return token


def purpose(run: Path) -> str | None:
    """What the run is for, when it is no model to be used."""
    said: str | None = about(run).get("purpose")
    return said


def status(run: Path) -> RunStatus:
    """Where the run stands; a run whose process is gone without a word is `failed`."""
    return run_status.read(run)


def metrics(run: Path, after_step: int = -1) -> list[dict[str, Any]]:
    """The points of the curves past a step, in order. Measurements of the validation loss have `val_loss`, on a fixed
    part of the validation text; where the run ended `best` has `checkpoint`, `val_loss` and `val_share` as `status`.
    """
    return [line for line in durable.read_lines(run / "metrics.jsonl") if line["step"] > after_step]


def samples(run: Path) -> list[dict[str, Any]]:
    """What the model wrote on the way: `step`, `prompt` and `text`, in order."""
    return durable.read_lines(run / "samples.jsonl")


def references(run: Path) -> dict[str, Any]:
    """Losses to read the curve beside; Kneser–Ney's appears some seconds after the start."""
    return durable.read_json(run / "references.json") or {}


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints, oldest first."""
    return sorted((run / "checkpoints").glob("step-*[0-9]"), key=lambda path: int(path.name[5:]))


def last(run: Path) -> Path | None:
    """The newest checkpoint: where resuming starts."""
    found = checkpoints(run)
    return found[-1] if found else None


def best(run: Path) -> Path:
    """The checkpoint with the lowest validation loss. Raises LearnerError when there is none yet."""
    noted = durable.read_json(run / "checkpoints" / "best.json") or {}
    path = run / "checkpoints" / str(noted.get("name"))
    if path.is_dir():
        return path
    newest = last(run)
    if newest is None:
        raise LearnerError("training.no_checkpoint", run=run.name)
    return newest


def list_runs() -> list[Path]:
    """The runs under `runs_dir`, newest first."""
    found = [path for path in runs_dir().iterdir() if not path.name.startswith(".") and _is_readable(path)]
    return sorted(found, key=lambda path: about(path).get("created", 0.0), reverse=True)


def list_imported() -> list[Path]:
    """The models under `runs_dir` that were trained elsewhere and imported under a name, by name."""
    folders = (path for path in runs_dir().iterdir() if not path.name.startswith(".") and not is_run(path))
    return sorted(path for path in folders if (path / "config.json").is_file())


def is_training(run: Path) -> bool:
    """Whether a living process trains this run."""
    return is_held(run / LOCK)


def request_stop(run: Path) -> None:
    """Ask the trainer to write a checkpoint and end; it looks several times a second."""
    (run / STOP).touch()


def delete(run: Path) -> None:
    """Remove a run with all its files. Raises LearnerError when it is no run, or is training."""
    about(run)
    if is_training(run):
        raise LearnerError("training.delete_training", run=run.name)
    durable.remove_folder(run)


def discard(run: Path) -> None:
    """Take back a run that came to nothing. What else lies in its folder is the learner's, and stays."""
    if is_training(run):
        return
    for path in [*(run / name for name in OURS), *run.glob(".*.partial")]:
        if path.is_dir():
            durable.remove_folder(path)
        else:
            path.unlink(missing_ok=True)
    if not any(run.iterdir()):
        run.rmdir()


def resolve(word: str | Path) -> Path:
    """The model folder meant by RUN, NAME or DIR: an existing path, else a run's best checkpoint, else the library's.

    Fetches a library model that is not here yet. Raises LearnerError when nothing has that name.
    """
    path = Path(word).expanduser()
    if not path.exists() and not _is_path(str(word)):
        path = runs_dir() / path
    if is_run(path):
        return best(path)
    if path.is_dir():
        return path
    if path.is_file():
        raise LearnerError("training.not_a_folder", path=path)
    names = [entry.name for entry in hub.entries("model")]
    if str(word) not in names:
        known = [run.name for run in list_runs()[:10]] + names
        raise LearnerError("training.unknown_model", word=word, known=", ".join(known))
    fetched: Path = hub.fetch(str(word))
    return fetched
