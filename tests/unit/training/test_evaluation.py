import numpy as np
import pytest
import torch

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.scoring import validation_loss
from llmlab.training.config import TrainConfig
from llmlab.training.evaluation import Validation
from llmlab.training.schedules import Schedule
from llmlab.training.steering import Steering


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=11, context_length=8, n_layers=1, n_heads=1, d_model=16)).train()


def validation(ids, tokens=64):
    return Validation(ids, context_length=8, vocab_size=11, steering_tokens=tokens)


@pytest.mark.parametrize("length", [9, 17, 400, 1003])
def test_the_whole_in_parts_is_the_whole(model, length):
    ids = np.random.default_rng(0).integers(0, 11, length).astype(np.uint8)
    measured, beats = validation(ids), []
    measured.tokens_per_second = 100.0  # so that the parts are small
    found = measured.whole_loss(model, lambda: beats.append(1))
    assert found == pytest.approx(validation_loss(model, ids, context_length=8), rel=1e-6)
    assert beats
    assert model.training


def test_the_part_is_the_whole_where_the_text_is_small(model):
    ids = np.random.default_rng(0).integers(0, 11, 65).astype(np.uint8)
    assert validation(ids).steering_loss(model) == pytest.approx(
        validation_loss(model, ids, context_length=8), rel=1e-6
    )
    assert model.training


def test_measuring_says_how_long_the_whole_takes(model):
    measured = validation(np.zeros(10_000, dtype=np.uint8))
    assert measured.whole_seconds() == 0
    measured.steering_loss(model)
    assert measured.whole_seconds() > 0


def steering(**changes):
    config = TrainConfig(corpus="x", eval_every=40, **changes)
    return Steering(config, validation(np.zeros(100, dtype=np.uint8)), Schedule(config))


def test_when_to_measure():
    assert [step for step in range(1, 121) if steering().due(step)] == [5, 10, 20, 40, 80, 120]


def test_near_the_aim_it_is_measured_more_often(model):
    found = steering(until_val_loss=2.0)
    found.measure = lambda step, model: 2.05
    found.aim(40, model, lambda: None, lambda: None)
    assert [step for step in range(41, 81) if found.due(step)] == [50, 60, 70, 80]
