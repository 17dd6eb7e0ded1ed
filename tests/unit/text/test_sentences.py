import pytest

from llmlab.text.sentences import split_sentences

CASES = {
    "It is. Is it? Yes!": ["It is.", " Is it?", " Yes!"],
    'She said “Go.” Then 3.14 came. Mr. J. Smith left.': ["She said “Go.”", " Then 3.14 came.", " Mr. J. Smith left."],
    "他说：“走吧。”然后呢？好！": ["他说：“走吧。”", "然后呢？", "好！"],
    "one\n\ntwo\nthree": ["one\n\n", "two\nthree"],
    "no end": ["no end"],
    "": [""],
}  # fmt: skip


@pytest.mark.parametrize("text", CASES)
def test_sentences_of_both_languages(text: str) -> None:
    assert split_sentences(text) == CASES[text]
    assert "".join(split_sentences(text)) == text
