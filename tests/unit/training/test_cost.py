import pytest

from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.training import cost, loop, runs
from llmlab.training.config import TrainConfig


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
