"""Splitting ids and drawing windows from them."""

import json

import numpy as np
import pytest

from llmlab.i18n import LearnerError
from llmlab.text.batches import Windows, check_length, split


def test_the_last_fraction_is_for_validation():
    ids = np.arange(1000, dtype=np.uint16)
    train, val = split(ids, 0.1)
    assert train.tolist() == list(range(900))
    assert val.tolist() == list(range(900, 1000))
    assert train.base is ids


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_an_impossible_fraction_is_refused(fraction):
    with pytest.raises(LearnerError, match="between 0 and 1"):
        split(np.arange(100), fraction)


def test_a_short_text_is_refused_with_a_context_that_fits():
    with pytest.raises(LearnerError) as refused:
        check_length(range(41), 64, 0.5)
    assert str(refused.value) == (
        "This text has 41 tokens; the model looks at 64 at a time. Use a longer text or a context of 16."
    )
    assert "词元" in refused.value.say("zh")
    check_length(range(41), 16, 0.5)


@pytest.mark.parametrize(("n", "fraction"), [(100, 0.1), (100, 0.9), (66, 0.5), (65, 0.1), (21, 0.1)])
def test_the_suggested_context_always_works(n, fraction):
    with pytest.raises(LearnerError) as refused:
        check_length(range(n), 64, fraction)
    suggestion = refused.value.parameters["suggestion"]
    check_length(range(n), suggestion, fraction)
    with pytest.raises(LearnerError):
        check_length(range(n), 2 * suggestion, fraction)


@pytest.mark.parametrize("n", [0, 1, 3, 10])
def test_far_too_short(n):
    with pytest.raises(LearnerError, match="Use a longer text"):
        check_length(range(n), 64, 0.1)


def test_one_whole_window_is_enough():
    check_length(range(130), 64, 0.5)
    with pytest.raises(LearnerError, match="Of the 129 tokens"):
        check_length(range(129), 64, 0.5)


def test_targets_are_inputs_shifted_by_one():
    windows = Windows(np.arange(500, dtype=np.uint16), context_length=8, batch_size=5, seed=1)
    for _ in range(30):
        x, y = windows.next()
        assert x.shape == y.shape == (5, 8)
        assert x.dtype == y.dtype == np.int64
        assert (y == x + 1).all()
        assert (np.diff(x, axis=1) == 1).all()


def test_an_epoch_shows_no_token_twice_and_all_but_the_rim():
    windows = Windows(np.arange(1003), context_length=10, batch_size=1, seed=3)
    seen = []
    while windows.epoch == 0:
        state = windows.state()
        x, _ = windows.next()
        if windows.epoch == 0:
            seen += x.ravel().tolist()
    assert state["epoch"] == 0
    assert len(seen) == len(set(seen))
    assert len(seen) >= 1003 - 2 * 10
    assert seen != sorted(seen)


def test_over_epochs_every_token_is_seen():
    windows = Windows(np.arange(57), context_length=10, batch_size=4, seed=0)
    x, y = zip(*(windows.next() for _ in range(200)), strict=True)
    assert set(np.concatenate(x).ravel()) == set(range(56))
    assert set(np.concatenate(y).ravel()) == set(range(1, 57))


def test_a_batch_larger_than_the_text_runs_through_epochs():
    windows = Windows(np.arange(9), context_length=8, batch_size=6, seed=0)
    x, _ = windows.next()
    assert x.tolist() == [list(range(8))] * 6


@pytest.mark.parametrize("steps", [0, 1, 7, 40])
def test_resume_continues_with_the_very_next_batch(steps):
    ids = np.random.default_rng(0).integers(0, 60, 2000, dtype=np.uint8)
    uninterrupted = Windows(ids, context_length=16, batch_size=12, seed=5)
    for _ in range(steps):
        uninterrupted.next()
    state = json.loads(json.dumps(uninterrupted.state()))
    resumed = Windows(ids, context_length=16, batch_size=12, seed=99)
    resumed.restore(state)
    for _ in range(30):
        for expected, given in zip(uninterrupted.next(), resumed.next(), strict=True):
            np.testing.assert_array_equal(expected, given)


def test_seeds_and_epochs_differ():
    ids = np.arange(5000)
    first = Windows(ids, context_length=16, batch_size=32, seed=0).next()[0]
    assert (first == Windows(ids, context_length=16, batch_size=32, seed=0).next()[0]).all()
    assert (first != Windows(ids, context_length=16, batch_size=32, seed=1).next()[0]).any()


def test_ids_on_disk(tmp_path):
    ids = np.arange(3000, dtype=np.uint16)
    ids.tofile(tmp_path / "ids.bin")
    mapped = np.memmap(tmp_path / "ids.bin", dtype=np.uint16, mode="r")
    on_disk = Windows(mapped, context_length=32, batch_size=4, seed=2)
    in_memory = Windows(ids, context_length=32, batch_size=4, seed=2)
    for _ in range(50):
        np.testing.assert_array_equal(on_disk.next()[0], in_memory.next()[0])


def test_windows_of_a_text_shorter_than_the_context_are_refused():
    with pytest.raises(LearnerError, match="a context of 32"):
        Windows(np.arange(41), context_length=64, batch_size=1, seed=0)
    with pytest.raises(LearnerError, match="Use a longer text"):
        Windows(np.arange(1), context_length=64, batch_size=1, seed=0)
