import math

import pytest

from llmlab.training import recipes
from llmlab.training.config import TrainConfig
from llmlab.training.schedules import Schedule


def test_cosine_is_nanogpts():
    """nanoGPT's `get_lr`, written down from its README's formula: linear warm-up, cosine to a tenth."""
    schedule = Schedule(recipes.configure({"corpus": "x", "recipe": "nanogpt"}))
    assert schedule.lr(0, 0) == pytest.approx(1e-3 / 101)
    assert schedule.lr(99, 0) == pytest.approx(1e-3 * 100 / 101)
    for step in (100, 700, 1999):
        decayed = 0.5 * (1 + math.cos(math.pi * (step - 100) / 1900))
        assert schedule.lr(step, 0) == pytest.approx(1e-4 + decayed * 9e-4)


def test_trapezoid_rises_stays_and_falls():
    schedule = Schedule(TrainConfig(corpus="x", steps=120, warmup=20, cooldown=0.5, lr=1.0, min_lr=0.0))
    rates = [schedule.lr(step, 0) for step in range(120)]
    assert rates[:20] == sorted(rates[:20])
    assert rates[20:70] == [1.0] * 50
    assert rates[95] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.03


def test_short_runs_warm_up_in_a_fifth():
    schedule = Schedule(TrainConfig(corpus="x", steps=10, warmup=100, lr=1.0))
    assert schedule.lr(2, 0) == 1.0


def test_with_seconds_alone_the_clock_decides():
    schedule = Schedule(TrainConfig(corpus="x", seconds=60, warmup=5, cooldown=0.4, lr=1.0))
    assert schedule.lr(50, 0.3) == 1.0
    assert schedule.lr(50, 0.8) == pytest.approx(0.5)
    assert schedule.lr(50, 1.2) == 0.0


def test_with_steps_the_clock_does_not_matter():
    schedule = Schedule(TrainConfig(corpus="x", steps=100, seconds=60, lr=1.0))
    assert schedule.lr(60, 0.1) == schedule.lr(60, 0.9)


def test_towards_a_loss_the_rate_falls_when_it_is_near():
    schedule = Schedule(TrainConfig(corpus="x", until_val_loss=2.0, steps=10_000, warmup=5, lr=1.0))
    schedule.steer(90, 2.3)
    assert schedule.lr(5000, 0) == 1.0, "the steps are a ceiling, not a plan"
    schedule.steer(100, 2.1)
    assert schedule.lr(100, 0) == 1.0
    assert schedule.lr(150, 0) == pytest.approx(0.55)
    assert schedule.lr(200, 0) == schedule.lr(249, 0) == pytest.approx(0.1)
    schedule.steer(240, 2.1)
    assert schedule.lr(250, 0) == 1.0, "it fell short: learn on"
    schedule.steer(290, 2.1)
    assert schedule.lr(295, 0) == 1.0, "not again at once"
    schedule.steer(300, 2.1)
    assert schedule.lr(450, 0) == pytest.approx(0.55)
