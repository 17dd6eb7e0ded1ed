from dataclasses import replace

import pytest

from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.models.size import flops_per_token
from llmlab.training import cost, loop, runs, step_time
from llmlab.training.config import TrainConfig

SPEED = cost._speed


@pytest.fixture(autouse=True)
def _speed(monkeypatch):
    monkeypatch.setattr(cost, "_speed", lambda: 1e11)


def test_parameters_are_those_of_the_model():
    config = TrainConfig(corpus="x")
    assert cost.estimate(config, 10**6, vocab_size=65).parameters == GPT(config.model_config(65)).parameter_count()


def test_more_work_takes_longer():
    def seconds(**changes):
        return cost.estimate(TrainConfig(corpus="x", **{"steps": 1000} | changes), 10**6, vocab_size=65).seconds

    usual = seconds()
    assert seconds(steps=2000) > 1.8 * (usual - cost.START_SECONDS)
    assert seconds(width=256) > 1.5 * usual
    assert seconds(layers=8) > 1.5 * usual
    assert seconds(seconds=5.0) == 5.0


def test_what_is_not_known_is_not_said():
    found = cost.estimate(TrainConfig(corpus="x", until_val_loss=1.5), 10**6)
    assert found.seconds is None
    assert found.tokens is None


def test_epochs_count_how_often_the_text_is_seen():
    found = cost.estimate(TrainConfig(corpus="x", steps=100, batch=10, context=100), 1_000_000)
    assert found.tokens == 100_000
    assert found.epochs == pytest.approx(1 / 9)


def test_runs_that_ended_correct_the_estimate(new_run):
    run = new_run(steps=30)
    result = loop.train(run)
    config = runs.config(run)
    found = cost.estimate(config, 4000, vocab_size=20)
    taken = 30 * config.tokens_per_step / result["tokens_per_second"]
    assert found.seconds - cost.START_SECONDS == pytest.approx(taken, rel=0.5)
    assert found.seconds_high < cost.estimate(TrainConfig(corpus="x", steps=30, threads=2), 4000).seconds_high * 100


def test_what_memory_cannot_hold():
    config = TrainConfig(corpus="x", width=4096, layers=32)
    with pytest.raises(LearnerError, match=r"GB.*8 GB"):
        cost.require_memory(config, vocab_size=65, free=8_000_000_000)
    cost.require_memory(TrainConfig(corpus="x"), vocab_size=65, free=8_000_000_000)


def test_the_fit_gives_back_what_was_measured():
    """By hand: the sum of what each term does times its coefficient, and half the threads slow only what is shared."""
    config = TrainConfig(corpus="x", optimizer="adamw", accumulate=2)
    shape = config.model_config(65)
    fit = replace(
        step_time.measured(),
        coefficients=dict.fromkeys(step_time.TERMS, 0.0) | {"pass": 0.5, "arithmetic": 1e-12},
        threads_power=1.0,
    )
    arithmetic = 1e-12 * 2 * 32 * 64 * flops_per_token(shape, context_length=64)
    both = step_time.seconds_per_step(config, shape, cores=2, threads=2, fit=fit)
    assert both == pytest.approx(2 * 0.5 + arithmetic)
    one = step_time.seconds_per_step(config, shape, cores=2, threads=1, fit=fit)
    assert one == pytest.approx(2 * 0.5 + 2 * arithmetic)


def test_a_machine_twice_as_fast_takes_half_as_long(monkeypatch):
    config = TrainConfig(corpus="x", steps=1000)
    usual = cost.estimate(config, 10**6).seconds - cost.START_SECONDS
    monkeypatch.setattr(cost, "_speed", lambda: 2e11)
    assert cost.estimate(config, 10**6).seconds - cost.START_SECONDS == pytest.approx(usual / 2)


def test_the_speed_is_the_best_of_a_few_probes(monkeypatch):
    monkeypatch.setattr(cost, "_speed", SPEED)
    found = iter([2.0, 5.0, 3.0, 4.0, 1.0])
    monkeypatch.setattr(step_time, "product_speed", lambda: next(found))
    assert [cost._speed() for _ in range(7)] == [2, 5, 5, 5, 5, 5, 5]


def test_muon_multiplies_as_often_as_its_iteration_is_written():
    """One square matrix of d: 5 times X·Xᵀ, A·A and B·X, 2·d³ each (torch.optim.Muon)."""
    shape = TrainConfig(corpus="x", model="gpt2", layers=1, width=64).model_config(65)
    four_square, two_long = 4 * 6 * 64**3, 2 * (4 * 64 * 64 * 256 + 2 * 64**3)
    work = step_time.work(TrainConfig(corpus="x", model="gpt2", layers=1, width=64), shape)
    assert work["orthogonal"] == 5 * (four_square + two_long)
