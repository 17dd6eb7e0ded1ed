"""Matching by words: the same likeness as scikit-learn's TF–IDF, and a score that its shared words add up to."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from llmlab.i18n import LANGUAGES, LearnerError
from llmlab.tasks.matching import Matcher
from llmlab.tasks.shop import examples, intents
from llmlab.tasks.word_counts import pieces

STORED = [question for _, question in examples()]


def test_pieces_are_words_and_characters_and_neighbours_that_no_mark_parts() -> None:
    assert pieces("It isn't dull, 很好看! 2 rooms", longest=1) == [
        "it",
        "isn't",
        "dull",
        "很",
        "好",
        "看",
        "2",
        "rooms",
    ]
    assert pieces("Not good, bad", longest=2) == ["not", "good", "not good", "bad"]
    assert pieces("好看吗", longest=2) == ["好", "看", "吗", "好看", "看吗"]
    assert pieces("很 good", longest=2) == ["很", "good"]
    assert pieces("…", longest=2) == []


@pytest.mark.parametrize("question", ["has my parcel been sent", "我的包裹什么时候到", "can I pay by transfer", "xyz"])
def test_the_likeness_is_scikit_learns(question) -> None:
    theirs = TfidfVectorizer(analyzer=lambda text: pieces(text, longest=2))
    expected = (theirs.fit_transform(STORED) @ theirs.transform([question]).T).toarray()[:, 0]
    found = Matcher(STORED).rank(question)
    scores = np.zeros(len(STORED))
    for match in found:
        scores[match.index] = match.score
        assert match.score == pytest.approx(sum(match.shared.values()))
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    assert [match.score for match in found] == sorted(scores, reverse=True)


def test_a_question_without_a_word_is_refused() -> None:
    with pytest.raises(LearnerError, match="no word"):
        Matcher(STORED).rank(" ?! ")


def test_the_shop_answers_in_both_languages() -> None:
    for intent in intents():
        assert all(intent.reply[language] and intent.title[language] for language in LANGUAGES)
        chinese = [not question.isascii() for question in intent.questions]
        assert chinese == sorted(chinese)
        assert sum(chinese) * 2 == len(chinese)
