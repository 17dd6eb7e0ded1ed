"""Steering towards a validation loss, across a kill."""

from llmlab.training.config import TrainConfig
from llmlab.training.schedules import Schedule
from llmlab.training.steering import Steering

CONFIG = TrainConfig(corpus="-", until_val_loss=2.01, eval_every=70)


class Validation:
    def steering_loss(self, model):
        return 2.0

    def whole_loss(self, model, beat):
        return 2.05


def test_a_confirmation_that_was_cut_short_is_made_after_all():
    steering, saved = Steering(CONFIG, Validation(), Schedule(CONFIG)), {}

    def save():
        saved.update(steering.state(), step=70, val_loss=steering.measured(70))

    steering.aim(70, None, save, lambda: None)
    assert not steering.reached
    resumed = Steering(CONFIG, Validation(), Schedule(CONFIG))
    resumed.restore(saved)
    assert not resumed.due(70)  # so near the aim it measures at other steps
    assert resumed.aimed_at == 70
    resumed.aim(70, None, save, lambda: None)
    assert resumed.state() == steering.state()
