"""Checkpoints come in time: at least every ten seconds, however slow the disk, up to saves of half that time."""

from itertools import pairwise

import pytest

from llmlab.training import pace
from llmlab.training.config import TrainConfig
from llmlab.training.pace import Pace


class Clock:
    """Time that only passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic


@pytest.mark.parametrize("save_takes", [0.01, 1.0, 2.0, 3.0, 4.5])
def test_no_two_checkpoints_lie_further_apart_than_promised(save_takes: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    config = TrainConfig(corpus="tales-en")
    run, ends = Pace(config), [clock.now]
    for _ in range(400):
        with run.working():
            clock.now += 0.2
        run.since_last_point()
        if run.save_is_due():
            with run.saving():
                clock.now += save_takes
            ends.append(clock.now)
    gaps = [later - earlier for earlier, later in pairwise(ends)]
    assert len(gaps) > 5
    assert max(gaps) <= config.checkpoint_seconds
