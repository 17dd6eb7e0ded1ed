"""A home of its own for every test, and a run small enough to be trained in a fraction of a second."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from llmlab.training import references, runs
from llmlab.training.config import TrainConfig
from tests.faults.texts import words

SMALL: dict[str, Any] = {
    "layers": 1,
    "heads": 2,
    "width": 16,
    "context": 16,
    "batch": 4,
    "steps": 12,
    "eval_every": 5,
    "eval_tokens": 128,
    "sample_tokens": 4,
    "probe_megabytes": 1,
    "threads": 1,
}

NewRun = Callable[..., Path]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process in the background; what is counted there has a test of its own."""
    monkeypatch.setattr(references, "start", lambda run: None)


@pytest.fixture(autouse=True)
def _threads() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(words(4000))
    return path


@pytest.fixture
def new_run(corpus: Path) -> NewRun:
    """`new_run("name", steps=3)` makes a run of the small kind."""

    def new(name: str = "run", **changes: Any) -> Path:
        return runs.create(TrainConfig(**{"corpus": str(corpus)} | SMALL | changes), name)

    return new


def weights(run: Path) -> str:
    """What distinguishes the weights of a run's last checkpoint from any other."""
    last = runs.last(run)
    assert last is not None
    return hashlib.sha256((last / "model.safetensors").read_bytes()).hexdigest()
