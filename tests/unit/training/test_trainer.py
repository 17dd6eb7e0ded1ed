"""Whole runs, each of them small: where they end, and what they leave."""

import itertools
import json
import time

import numpy as np
import pytest
import torch

from llmlab import hub
from llmlab.hub.lock import Lock
from llmlab.i18n import LearnerError
from llmlab.models.scoring import validation_loss
from llmlab.training import checkpoints, durable, loop, probes, runs, samples, trainer
from llmlab.training.status import LOCK
from tests.unit.training.conftest import weights


def whole_loss(run, checkpoint):
    """The validation loss as anybody would compute it from the files."""
    model, tokenizer = hub.load(checkpoint)
    text = (run.parents[2] / "corpus.txt").read_text()
    ids = tokenizer.encode_array(text)
    val_ids = ids[int(len(ids) * 0.9) :]
    return validation_loss(model, val_ids, context_length=runs.config(run).context)


def test_a_run_leaves_what_its_readers_need(new_run):
    run, points = new_run(), []
    result = loop.train(run, report=points.append)
    assert set(result) == {
        *("steps", "seconds", "train_loss", "val_loss", "tokens_per_second", "parameters", "checkpoint")
    }
    assert result["steps"] == 12
    assert json.loads(json.dumps(result)) == result
    assert points[-1] == {name: value for name, value in runs.metrics(run)[-1].items() if name != "best"}
    assert points[:-1] == runs.metrics(run)[:-1]
    assert set(points[0]) == {"step", "seconds", "tokens", "train_loss", "lr", "grad_norm", "tokens_per_second"}
    assert [p["step"] for p in points if "val_loss" in p] == [5, 10, 12]
    assert points[-1]["tokens"] == 12 * 4 * 16
    assert [s["step"] for s in runs.samples(run)] == [1, 12]
    assert [p.name for p in sorted((run / "probes").iterdir())] == ["step-000001.npz", "step-000012.npz"]
    about = runs.about(run)
    assert about["machine"]["threads"] == 1
    assert about["machine"]["versions"]["torch"] == torch.__version__
    assert runs.status(run).state == "finished"
    assert runs.status(run).parameters == result["parameters"] == hub.load(result["checkpoint"])[0].parameter_count()


def test_the_loss_told_is_that_of_the_checkpoint_on_the_whole_validation_text(new_run):
    run = new_run(steps=60)
    result = loop.train(run)
    assert result["val_loss"] == pytest.approx(whole_loss(run, runs.best(run)), abs=1e-6)
    assert runs.status(run).val_share == 1.0
    assert str(runs.best(run)) == result["checkpoint"]


def test_the_best_is_chosen_on_the_whole_and_kept_beside_the_last(new_run):
    """Something wrecks the model near the end: the best checkpoint is an earlier one."""
    run = new_run(steps=40, optimizer="adamw", schedule="trapezoid", cooldown=0, lr=1e-2)
    normal = trainer.Trainer._one_step

    def wreck(self):
        normal(self)
        if self.step > 30:
            with torch.no_grad():
                self.model.head.weight.normal_(std=3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.Trainer, "_one_step", wreck)
        result = loop.train(run)
    best, last = runs.best(run), runs.last(run)
    assert best != last
    assert runs.checkpoints(run) == [best, last]
    assert result["val_loss"] == pytest.approx(whole_loss(run, best), abs=1e-6)
    assert result["val_loss"] < whole_loss(run, last)


def test_the_same_words_give_the_same_weights_whatever_is_done_beside(new_run):
    plain = new_run("plain", dropout=0.2, sample_tokens=0, probe_megabytes=0, eval_every=100)
    busy = new_run("busy", dropout=0.2, eval_every=1, checkpoint_seconds=0.001)
    loop.train(plain)
    loop.train(busy)
    assert weights(plain) == weights(busy)
    other = new_run("other", dropout=0.2, seed=1)
    loop.train(other)
    assert weights(other) != weights(plain)


@pytest.mark.parametrize("changes", [{"optimizer": "adamw", "model": "gpt2", "bias": False}, {"accumulate": 2}])
def test_stopped_and_resumed_is_as_if_nothing_had_been(new_run, changes):
    straight, stopped = new_run("straight", dropout=0.2, **changes), new_run("stopped", dropout=0.2, **changes)
    loop.train(straight)
    stop_at(stopped, 7)
    assert runs.status(stopped).state == "stopped"
    loop.train(stopped, resume=True)
    assert runs.status(stopped).state == "finished"
    assert weights(straight) == weights(stopped)


def stop_at(run, step):
    with pytest.MonkeyPatch.context() as patch:
        normal = trainer.Trainer._after_step

        def after_step(self):
            normal(self)
            if self.step == step:
                runs.request_stop(run)
                self.board.stop_asked = True

        patch.setattr(trainer.Trainer, "_after_step", after_step)
        result = loop.train(run)
    assert result["steps"] == step
    return result


@pytest.mark.parametrize("step", [2, 7], ids=["at a point without a measurement", "between two points"])
def test_the_loss_of_a_stopped_run_is_the_same_wherever_it_is_told(new_run, step):
    run = new_run()
    result = stop_at(run, step)
    status, point = runs.status(run), runs.metrics(run)[-1]
    told = {"checkpoint": status.checkpoint, "val_loss": status.val_loss, "val_share": status.val_share}
    assert point["best"] == told
    assert point["step"] == step
    assert point["val_loss"] == durable.read_json(runs.last(run) / "state.json")["val_loss"]
    assert result["val_loss"] == told["val_loss"] == pytest.approx(whole_loss(run, runs.best(run)), abs=1e-6)


def test_a_stop_file_is_seen_within_a_second(new_run):
    run = new_run(steps=10**6)
    seen = []

    def stop_soon(point):
        if not seen:
            seen.append(time.monotonic())
            runs.request_stop(run)

    result = loop.train(run, report=stop_soon)
    assert result["steps"] < 10**6
    assert runs.status(run).state == "stopped"
    assert runs.last(run) is not None


def test_a_wish_to_stop_made_while_the_process_loads_is_heard_and_an_old_one_is_not(new_run):
    run = new_run("loading", steps=10**6)
    runs.request_stop(run)
    loop.train(run, queued=True)
    assert runs.status(run).state == "stopped"
    old = new_run("old")
    runs.request_stop(old)
    assert loop.train(old)["steps"] == 12


def test_seconds_count_from_the_start_of_the_process_and_end_in_time(new_run):
    run = new_run(steps=None, seconds=9.0, warmup=2)
    began = time.time()
    result = loop.train(run, started=began - 5)
    assert 2.0 < time.time() - began < 5.5
    assert 7.0 < result["seconds"] < 10.5
    rates = [point["lr"] for point in runs.metrics(run)]
    assert rates[-1] < max(rates) / 4, "the learning rate falls in time"


def test_a_validation_text_too_long_for_the_time_is_measured_in_part(new_run, monkeypatch):
    from llmlab.training.evaluation import Validation

    monkeypatch.setattr(Validation, "whole_seconds", lambda self: 1000.0)
    run = new_run(steps=None, seconds=2.0, val_fraction=0.5)
    began = time.time()
    result = loop.train(run)
    assert time.time() - began < 6
    assert result["val_loss"] is not None
    assert 0 < runs.status(run).val_share <= 1


def test_until_val_loss_is_confirmed_on_the_whole(new_run):
    run = new_run(steps=5000, until_val_loss=2.6, eval_every=10)
    result = loop.train(run)
    assert result["steps"] < 5000
    assert result["val_loss"] <= 2.6
    assert result["val_loss"] == pytest.approx(whole_loss(run, runs.last(run)), abs=1e-6)


def test_a_part_that_is_easier_than_the_whole_does_not_end_the_run(new_run, monkeypatch):
    from llmlab.training.evaluation import Validation

    part = Validation.steering_loss
    monkeypatch.setattr(Validation, "steering_loss", lambda self, model: part(self, model) - 0.5)
    result = loop.train(new_run(steps=3000, until_val_loss=2.7, eval_every=10))
    assert result["val_loss"] <= 2.7


def test_the_first_limit_ends_the_run(new_run):
    result = loop.train(new_run(steps=3, seconds=60.0, until_val_loss=0.01))
    assert result["steps"] == 3


def test_a_finished_run_has_nothing_to_resume(new_run):
    run = new_run()
    result = loop.train(run)
    assert loop.train(run, resume=True) == result


def test_what_is_there_is_not_trained_over(new_run):
    run = new_run()
    loop.train(run)
    with pytest.raises(LearnerError, match="--resume"):
        loop.train(run)


def test_two_trainers_on_one_run(new_run):
    run = new_run()
    with Lock(run / LOCK), pytest.raises(LearnerError, match="Another process"):
        loop.train(run)


def test_the_learners_file_is_not_needed_any_more(new_run, corpus):
    run = new_run(dropout=0.2)
    stop_at(run, 6)
    corpus.unlink()
    assert loop.train(run, resume=True)["steps"] == 12


def test_bfloat16_learns_too(new_run):
    run = new_run(precision="bfloat16", steps=40)
    result = loop.train(run)
    assert result["val_loss"] < runs.metrics(run)[0]["train_loss"]
    assert next(hub.load(result["checkpoint"])[0].parameters()).dtype == torch.float32


def test_byte_pairs_and_words(new_run):
    for kind, size in (("bpe", 300), ("word", 50)):
        run = new_run(kind, tokenizer=kind, vocab_size=size)
        loop.train(run)
        _, tokenizer = hub.load(runs.best(run))
        assert tokenizer.kind == kind
        assert tokenizer.vocab_size <= size


def test_samples_leave_the_random_state_and_the_mode_alone():
    from llmlab.models.gpt import GPT, GPTConfig

    model = GPT(GPTConfig(vocab_size=9, context_length=8, n_layers=1, n_heads=1, d_model=8)).train()
    before = torch.get_rng_state()
    first = samples.write(model, [1, 2, 3], 20, seed=5)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training
    assert first == samples.write(model, [1, 2, 3], 20, seed=5)
    assert len(first) == 20
    assert all(0 <= i < 9 for i in first)


def test_a_probe_is_what_the_model_computes(new_run):
    run = new_run()
    loop.train(run)
    from llmlab.models.trace import trace

    model, _ = hub.load(runs.last(run))
    with np.load(run / "probes" / "step-000012.npz", allow_pickle=False) as kept:
        left = trace(model, torch.from_numpy(kept["ids"].astype(np.int64)))
        attention = left.layers[0].attention.weights.numpy()
        assert np.abs(kept["attention"][0] / 255 - attention).max() <= 0.5 / 255 + 1e-6
        after = left.layers[0].feed_forward.residual_after.numpy()
        np.testing.assert_allclose(kept["residual"][1], after, rtol=2e-3, atol=1e-3)
        assert (kept["top_ids"][-1][..., 0] == left.logits.argmax(-1).numpy()).all()
        table = model.token_embedding.weight.detach().numpy()[kept["embedding_ids"]]
        np.testing.assert_allclose(kept["token_embedding"], table, rtol=2e-3, atol=1e-3)


def test_probes_keep_to_their_room(new_run):
    run = new_run(probe_megabytes=0.02)
    loop.train(run)
    sizes = [path.stat().st_size for path in (run / "probes").iterdir()]
    assert sum(sizes) <= 20_000
    assert probes.EXPECTED * 1000 < 20_000 or not sizes


def test_checkpoints_are_never_far_apart(new_run):
    run = new_run(steps=10**6, checkpoint_seconds=1.0, eval_every=10**6)
    times, normal = [], checkpoints.Checkpoints.save

    def save(self, *words):
        times.append(time.monotonic())
        return normal(self, *words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints.Checkpoints, "save", save)
        loop.train(run, report=lambda point: len(times) > 2 and runs.request_stop(run))
    assert max(b - a for a, b in itertools.pairwise(times)) < 1.5


def test_durable_operations_are_all_seen(new_run, monkeypatch):
    """The seam of the fault tests: every file of a run is written through it."""
    seen = []
    monkeypatch.setattr(durable, "operation", lambda name, path: seen.append(name))
    loop.train(new_run())
    assert {"write", "replace", "append", "sync", "rename"} <= set(seen)
