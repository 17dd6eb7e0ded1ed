"""The classifier by word counts: where gradient descent ends is scikit-learn's optimum, and its reasons add up."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

from llmlab.i18n import LANGUAGES, LearnerError
from llmlab.tasks.reviews import write_reviews
from llmlab.tasks.word_classifier import WordClassifier, confusion
from llmlab.tasks.word_counts import counts


@pytest.mark.parametrize("longest", [1, 2])
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_learns_the_weights_that_scikit_learn_finds(language, longest) -> None:
    reviews = write_reviews(language, 80)
    texts, labels = [review.text for review in reviews], [int(review.good) for review in reviews]
    ours = WordClassifier(longest=longest, penalty=0.05).fit(texts, labels, steps=3000, rate=0.5)
    x = counts(texts, ours.columns, longest=longest)
    theirs = LogisticRegression(C=1 / (0.05 * len(texts)), tol=1e-9, max_iter=5000).fit(x, labels)
    np.testing.assert_allclose(ours.weights, theirs.coef_[0], atol=1e-4)
    np.testing.assert_allclose(ours.probabilities(texts), theirs.predict_proba(x)[:, 1], atol=1e-4)
    assert ours.losses[0] == pytest.approx(np.log(2))
    assert ours.losses == sorted(ours.losses, reverse=True)


def test_its_reasons_add_up_to_the_verdict() -> None:
    reviews = write_reviews("en", 100)
    model = WordClassifier(longest=2).fit([r.text for r in reviews], [int(r.good) for r in reviews])
    text = "The music was lovely, not dull; unheard-of words count nothing."
    z = sum(model.reasons(text).values()) + model.bias
    assert model.probabilities([text])[0] == pytest.approx(1 / (1 + np.exp(-z)))
    told = model.telling(5)
    assert list(told.values()) == sorted(told.values())
    assert (min(told.values()), max(told.values())) == (model.weights.min(), model.weights.max())


def test_the_confusion_matrix_is_scikit_learns() -> None:
    truth, found = [0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 0, 0]
    assert (confusion(truth, found) == confusion_matrix(truth, found)).all()


def test_one_class_alone_teaches_nothing() -> None:
    with pytest.raises(LearnerError, match="both classes"):
        WordClassifier().fit(["a", "b"], [1, 1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_reviews_differ_and_are_the_same_for_everybody(language) -> None:
    reviews = write_reviews(language, 500)
    assert len({review.text for review in reviews}) == 500
    assert reviews[:20] == write_reviews(language, 20)
    assert 0.4 < sum(review.good for review in reviews) / 500 < 0.6
