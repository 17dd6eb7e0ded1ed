"""Byte-pair encoding on texts small enough to check by hand. The parity tests compare it with the library."""

from itertools import pairwise

from llmlab.text import bpe
from llmlab.text.bpe import ALPHABET, WORDS, merge_steps, train_bpe, visible


def test_words_join_to_the_text():
    text = "It's  12 o'clock,\n\n  you've 3 cats… 你好，世界 😀\t."
    words = WORDS.findall(text)
    assert "".join(words) == text
    assert words[:6] == ["It", "'s", " ", " 12", " o", "'"]


def test_every_byte_has_an_id_and_a_printable_character():
    assert sorted(ALPHABET) == list(range(256))
    assert all(character.isprintable() for character in visible(bytes(range(256))))
    assert visible(b" a\n") == "ĠaĊ"


def test_first_merges_by_hand():
    # "low" 5 times, "lower" twice: l+o and o+w both 7 times; the smaller ids go first.
    text = " ".join(["low"] * 5 + ["lower"] * 2)
    trained = train_bpe(text, 256 + 4)
    assert [trained.tokens[i] for i in range(256, 260)] == [b"lo", b"low", b" low", b"er"]


def test_stepping_shows_what_training_does():
    text = "the cat, the hat, that bat"
    steps = list(merge_steps(text, 256 + 6))
    trained = train_bpe(text, 256 + 6)
    assert [step.token for step in steps] == list(trained.tokens[256:])
    assert [step.pair[0] + step.pair[1] for step in steps] == [step.token for step in steps]
    assert all(b"".join(step.pieces).decode() == text for step in steps)
    assert [step.count for step in steps] == sorted((step.count for step in steps), reverse=True)
    before = list(text.encode())
    assert len(before) - len(steps[0].pieces) == steps[0].count


def test_a_word_is_built_merge_by_merge():
    trained = train_bpe("low low low lower lower newest", 256 + 8)
    stages = list(trained.steps(" lower"))
    assert stages[0] == [b" ", b"l", b"o", b"w", b"e", b"r"]
    assert all(len(later) < len(earlier) for earlier, later in pairwise(stages))
    assert all(b"".join(stage) == b" lower" for stage in stages)


def test_fewer_merges_when_nothing_is_left_to_join():
    trained = train_bpe("abab", 1000)
    assert trained.tokens[256:] == (b"ab", b"abab")


def test_a_long_text_is_sampled_from_everywhere(monkeypatch):
    # Half of the text is read, yet words of its beginning, middle and end are learned.
    text = "alpha " * 100_000 + "beta " * 100_000 + "gamma " * 100_000
    monkeypatch.setattr(bpe, "SAMPLE", len(text) // 2)
    learned = set(train_bpe(text, 256 + 20).tokens)
    assert {b" alpha", b" beta", b" gamma"} <= learned


def test_many_distinct_words_end_the_reading(monkeypatch):
    text = "".join(f" {n}" for n in range(200_000))
    monkeypatch.setattr(bpe, "DISTINCT", 100_000)
    assert sum(bpe._count_words(text).values()) < 100_000
