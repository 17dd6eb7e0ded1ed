"""What goes wrong in a run and can be mended: no numbers any more, a full disk, damaged files, wrong words."""

import errno
import math
import shutil
from pathlib import Path

import pytest
import torch

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.training import loop, pace, references, runs, trainer
from llmlab.training.config import TrainConfig
from tests.faults.texts import words
from tests.unit.training.conftest import SMALL, weights


def test_nan_stops_and_keeps_the_last_good_checkpoint(new_run):
    run = new_run(steps=200, checkpoint_seconds=0.001)
    normal = trainer.Trainer._one_step

    def poison(self):
        if self.step == 30:
            with torch.no_grad():
                self.model.head.weight[0, 0] = math.nan
        normal(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.Trainer, "_one_step", poison)
        with pytest.raises(LearnerError, match=r"step 31: the loss became NaN.*Try a learning rate of 0\.004"):
            loop.train(run)
    status = runs.status(run)
    assert status.state == "failed"
    assert status.error["phrase"] == "training.nan"
    kept = runs.last(run)
    assert 0 < int(kept.name[5:]) <= 30
    model, _ = hub.load(kept)
    assert all(bool(p.isfinite().all()) for p in model.parameters())


@pytest.mark.parametrize("ruinous", [25, 27], ids=["a sample is due", "only a checkpoint is due"])
def test_a_model_that_its_last_step_ruined_is_neither_saved_nor_looked_at(new_run, ruinous):
    """The loss of the ruinous step is still a number: only the next one would show it."""
    run = new_run(steps=200, eval_every=1000, checkpoint_seconds=0.001)
    normal = trainer.Trainer._one_step

    def ruin(self):
        normal(self)
        if self.step == ruinous:
            with torch.no_grad():
                self.model.head.weight.fill_(math.nan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.Trainer, "_one_step", ruin)
        patch.setattr(pace.Pace, "save_is_due", lambda self: True)  # a slow disk would put the ruinous step's save off
        with pytest.raises(LearnerError, match="NaN"):
            loop.train(run)
    model, _ = hub.load(runs.last(run))  # refuses weights that are no numbers
    assert model.parameter_count()


def test_a_learning_rate_beyond_all_reason(new_run):
    with pytest.raises(LearnerError, match=r"NaN.*Try a learning rate of 0\.002"):
        loop.train(new_run(lr=1e30, clip=0, warmup=0, optimizer="adamw", checkpoint_seconds=100))


def test_a_full_disk_leaves_the_earlier_checkpoint(new_run, monkeypatch):
    run = new_run(steps=10**6, checkpoint_seconds=0.001)
    from llmlab.training import checkpoints as room

    normal = room.hub.save

    def full(model, tokenizer, folder):
        if runs.last(run) is None:
            return normal(model, tokenizer, folder)
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(room.hub, "save", full, raising=False)
    with pytest.raises(LearnerError, match="disk is full"):
        loop.train(run)
    assert runs.status(run).error["phrase"] == "training.disk_full"
    hub.load(runs.last(run))
    assert not list((run / "checkpoints").glob(".*"))


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json", "config.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, trained, file, damage):
    straight, halted = trained
    run = Path(shutil.copytree(halted, tmp_path / "run"))
    assert len(runs.checkpoints(run)) == 2
    last = runs.last(run)
    content = bytearray((last / file).read_bytes())
    if damage == "gone":
        (last / file).unlink()
    elif damage == "cut":
        (last / file).write_bytes(content[: len(content) // 2])
    else:
        content[-20] ^= 0x41
        (last / file).write_bytes(content)
    loop.train(run, resume=True)
    assert weights(run) == weights(straight)
    steps = [point["step"] for point in runs.metrics(run)]
    assert steps == sorted(set(steps))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run left alone, and the same run with a checkpoint at step 5 and one at step 9, then killed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "corpus.txt").write_text(words(4000))
    config = TrainConfig(**SMALL | {"corpus": str(folder / "corpus.txt"), "dropout": 0.2})
    normal = trainer.Trainer._after_step

    def after_step(self):
        normal(self)
        if self.step in (5, 9):
            self._save()
        if self.step == 10:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMLAB_HOME", str(folder / "home"))
        patch.setattr(references, "start", lambda run: None)
        straight, halted = runs.create(config, folder / "straight"), runs.create(config, folder / "halted")
        loop.train(straight)
        patch.setattr(trainer.Trainer, "_after_step", after_step)
        with pytest.raises(KeyboardInterrupt):
            loop.train(halted)
    return straight, halted


def test_no_checkpoint_that_can_be_read(tmp_path, trained):
    run = Path(shutil.copytree(trained[1], tmp_path / "run"))
    for checkpoint in runs.checkpoints(run):
        (checkpoint / "model.safetensors").write_bytes(b"")
    with pytest.raises(LearnerError, match="anew"):
        loop.train(run, resume=True)


def test_too_short_a_text_is_said_before_training(new_run, tmp_path):
    (tmp_path / "short.txt").write_text("abcdefgh" * 3)
    run = new_run(corpus=str(tmp_path / "short.txt"))
    with pytest.raises(LearnerError, match="24"):
        loop.train(run)
    assert runs.status(run).state == "failed"


def test_an_unknown_device_names_those_there_are(new_run):
    run = new_run(device="cuda:77")
    with pytest.raises(LearnerError, match="cpu"):
        loop.train(run)
    assert runs.status(run).state == "failed"
