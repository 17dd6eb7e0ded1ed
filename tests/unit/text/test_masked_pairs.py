import numpy as np
import pytest

from llmlab.text.masked_pairs import Marks, MaskedPairs
from llmlab.text.masking import UNASKED

MARKS = Marks(cls=1, sep=2, mask=3, pad=0, others=np.arange(4, 1000))
IDS = np.arange(4, 904)  # every token once: what stands where can be told
STARTS = np.arange(0, 900, 7)


def pairs(**changes: object) -> MaskedPairs:
    words = {"context_length": 64, "batch_size": 8, "seed": 0} | changes
    return MaskedPairs(IDS, STARTS, MARKS, **words)  # type: ignore[arg-type]


def restored(ids: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.where(labels == UNASKED, ids, labels)


def test_the_second_follows_the_first_in_half_of_them_and_only_where_it_says_so() -> None:
    source, told = pairs(), []
    for _ in range(60):
        for ids, segments, labels, elsewhere in zip(*source.next(), strict=True):
            text = restored(ids, labels)
            sep, last = np.flatnonzero(ids == MARKS.sep)
            assert text[0] == MARKS.cls
            assert (segments == [0] * (sep + 1) + [1] * (last - sep) + [0] * (63 - last)).all()
            assert (ids[last + 1 :] == MARKS.pad).all()
            a, b = text[1:sep], text[sep + 1 : last]
            assert (np.diff(a) == 1).all()
            assert len(a) + len(b) <= 61
            assert (b[0] == a[-1] + 1) == (not elsewhere)
            told.append(elsewhere)
    assert np.mean(told) == pytest.approx(0.5, abs=0.08)


def test_fifteen_percent_are_asked_eighty_ten_ten() -> None:
    source, asked, real, fates = pairs(batch_size=32), 0, 0, [0, 0, 0]
    for _ in range(40):
        ids, _, labels, _ = source.next()
        where = labels != UNASKED
        text = restored(ids, labels)
        asked, real = asked + where.sum(), real + np.isin(text, MARKS.others).sum()
        assert np.isin(labels[where], MARKS.others).all()  # never a special token
        fates[0] += (ids[where] == MARKS.mask).sum()
        fates[1] += ((ids[where] != MARKS.mask) & (ids[where] != labels[where])).sum()
        fates[2] += (ids[where] == labels[where]).sum()
    assert asked / real == pytest.approx(0.15, abs=0.01)
    assert np.array(fates) / asked == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def test_it_goes_on_from_its_state() -> None:
    one, other = pairs(), pairs(seed=9)
    for _ in range(25):
        one.next()
    other.restore(one.state())
    for _ in range(5):
        for mine, its in zip(one.next(), other.next(), strict=True):
            assert np.array_equal(mine, its)


def test_chosen_examples_are_always_the_same_and_long_sentences_are_cut() -> None:
    source = MaskedPairs(IDS, np.array([0]), MARKS, context_length=16, batch_size=1, seed=0)
    chosen = np.array([3, 0])
    for first, again in zip(source.batch(chosen), source.batch(chosen), strict=True):
        assert np.array_equal(first, again)
    assert source.batch(np.arange(len(source)))[0].shape == (len(source), 16)
