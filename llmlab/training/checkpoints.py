"""Checkpoints: folders that transformers opens, with all that training needs to go on as if nothing had happened.

Each is written under another name, synced and renamed, so that a name stands for a whole checkpoint. The last, the one
before it and the best are kept while a run goes on; the last and the best when it has ended.
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.text.tokenizer import Tokenizer
from llmlab.training import durable, runs
from llmlab.training.sharding import spread_like

OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"


class Checkpoints:
    """The checkpoints of one run.

    `best` is `{"name", "val_loss", "whole"}`: the loss to steer by, and that on all of the validation text, once known.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.folder = run / "checkpoints"
        self.folder.mkdir(exist_ok=True)
        durable.remove_leftovers(self.folder)
        self.best: dict[str, Any] | None = None

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step lies, or would lie."""
        return self.folder / f"step-{step:06d}"

    def save(
        self,
        step: int,
        model: Model,
        tokenizer: Tokenizer,
        optimizer_tensors: Callable[[], dict[str, Tensor]],
        state: dict[str, Any],
        val_loss: float | None,
    ) -> Path:
        """Write the checkpoint of a step; `val_loss`, where it was measured, decides whether it is the best.

        Raises LearnerError when the disk is full; what was saved before is untouched then.
        """
        final = self.path(step)
        try:
            if not final.exists():
                self._write(final, model, tokenizer, optimizer_tensors, state | {"step": step, "val_loss": val_loss})
            if val_loss is not None and self.is_best(val_loss):
                self.crown(final, val_loss)
            self.prune(keep=2)
        except (OSError, SafetensorError) as error:
            raise durable.disk_error(error, self.run) from error
        return final

    def _write(
        self,
        final: Path,
        model: Model,
        tokenizer: Tokenizer,
        optimizer_tensors: Callable[[], dict[str, Tensor]],
        state: dict[str, Any],
    ) -> None:
        partial = final.with_name(f".{final.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            durable.operation("write", partial / "model.safetensors")
            hub.save(model, tokenizer, partial)
            durable.operation("write", partial / OPTIMIZER)
            safetensors.torch.save_file(optimizer_tensors(), partial / OPTIMIZER)
            sums = {path.name: _sha256(path) for path in sorted(partial.iterdir())}
            durable.write_json(partial / STATE, state | {"best": self.best, "files": sums}, synced=False)
            durable.publish_folder(partial, final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def is_best(self, val_loss: float) -> bool:
        """Whether no checkpoint so far has a lower loss."""
        return self.best is None or val_loss <= self.best["val_loss"]

    def crown(self, checkpoint: Path, val_loss: float, *, whole: float | None = None) -> None:
        """Note which checkpoint is the best."""
        self.best = {"name": checkpoint.name, "val_loss": val_loss, "whole": whole}
        durable.write_json(self.folder / "best.json", self.best)

    def prune(self, *, keep: int) -> None:
        """Remove all but the newest `keep` checkpoints and the best."""
        for old in runs.checkpoints(self.run)[:-keep]:
            if self.best is None or old.name != self.best["name"]:
                durable.remove_folder(old)

    def restore(self, load: Callable[[Path], None]) -> dict[str, Any] | None:
        """Load the newest whole checkpoint; its state, or None when there is none at all.

        A damaged one is put aside and the one before it taken. Raises LearnerError when none is whole.
        """
        found = runs.checkpoints(self.run)
        for checkpoint in reversed(found):
            state = _verified_state(checkpoint)
            if state is None:
                _put_aside(checkpoint)
                continue
            load(checkpoint)
            self._restore_best(checkpoint, state)
            return state
        if found or any(self.folder.glob(".*.damaged")):
            raise LearnerError("training.checkpoints_damaged", run=self.run.name)
        return None

    def _restore_best(self, checkpoint: Path, state: dict[str, Any]) -> None:
        noted, val_loss = state["best"], state["val_loss"]
        if noted is not None and (self.folder / noted["name"]).is_dir():
            self.crown(self.folder / noted["name"], noted["val_loss"])
        if val_loss is not None and self.is_best(val_loss):
            self.crown(checkpoint, val_loss)
        if self.best is None:
            (self.folder / "best.json").unlink(missing_ok=True)


def load_weights(model: nn.Module, checkpoint: Path) -> None:
    """Put a checkpoint's weights into a model of its shape."""
    stored = hub.from_hf(checkpoint).state_dict()
    model.load_state_dict({name: spread_like(own, stored[name]) for name, own in model.state_dict().items()})


def _verified_state(checkpoint: Path) -> dict[str, Any] | None:
    """The checkpoint's state if all its files are what was written, else None."""
    state = durable.read_json(checkpoint / STATE)
    if not isinstance(state, dict) or not isinstance(state.get("files"), dict):
        return None
    intact = all(
        (checkpoint / name).is_file() and _sha256(checkpoint / name) == s for name, s in state["files"].items()
    )
    return state if intact else None


def _put_aside(checkpoint: Path) -> None:
    aside = checkpoint.with_name(f".{checkpoint.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)
    checkpoint.rename(aside)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
