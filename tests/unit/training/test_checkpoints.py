"""Checkpoints that can be read no more."""

import pytest

from llmlab.i18n import LearnerError
from llmlab.training import loop, runs
from llmlab.training.checkpoints import Checkpoints


def test_when_none_is_whole_no_resumption_starts_over_in_silence(new_run):
    run = new_run("one", seconds=60.0, steps=3)
    loop.train(run)
    for checkpoint in runs.checkpoints(run):
        (checkpoint / "model.safetensors").write_bytes(b"cut")
    for _ in range(2):
        with pytest.raises(LearnerError, match="another name"):
            Checkpoints(run).restore(lambda checkpoint: None)
