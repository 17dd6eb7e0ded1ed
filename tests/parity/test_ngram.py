"""Our n-gram models against nltk.lm, and the properties a distribution must have."""

from collections import Counter

import numpy as np
import pytest
from nltk.lm import MLE, KneserNeyInterpolated
from nltk.util import everygrams

from llmlab.i18n import LearnerError
from llmlab.models.ngram import NGram, uniform_loss, unigram_loss

VOCAB = 9


def text(length=300, seed=0):
    """Ids in which some successions are likelier than others, and some symbols rare."""
    generator = np.random.default_rng(seed)
    ids = [0]
    for _ in range(length - 1):
        ids.append(int((ids[-1] * 2 + generator.geometric(0.4)) % (VOCAB - 1)))
    return np.array(ids)


def closed(ids, order):
    # nltk takes the number of continuations from plain counts at every order, which differs from counting them among
    # the grams that have a left neighbour only where the text starts. Let the start recur, and the two are the same.
    return np.concatenate([ids, ids[:order]])


def words(ids):
    return [str(i) for i in ids]


def nltk_fit(model, ids, order):
    model.fit([list(everygrams(words(ids), max_len=order))], vocabulary_text=words(range(VOCAB)))
    return model


@pytest.mark.parametrize("order", [2, 3, 5])
@pytest.mark.parametrize("discount", [0.1, 0.7])
def test_kneser_ney_is_nltks(order, discount):
    ids = closed(text(), order)
    theirs = nltk_fit(KneserNeyInterpolated(order, discount=discount), ids, order)
    # nltk does not discount the unigrams.
    ours = NGram(order, discount=[0.0] + [discount] * (order - 1)).fit(ids, VOCAB)
    held_out = text(60, seed=1)
    for end in range(len(held_out)):
        context = held_out[max(0, end - order + 1) : end]
        expected = [theirs.score(w, words(context)) for w in words(range(VOCAB))]
        np.testing.assert_allclose(ours.next_probabilities(context), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_maximum_likelihood_is_nltks_where_the_context_was_seen(order):
    ids = text()
    theirs = nltk_fit(MLE(order), ids, order)
    ours = NGram(order, "maximum_likelihood").fit(ids, VOCAB)
    for end in range(order - 1, 80):
        context = ids[end - order + 1 : end]
        expected = [theirs.score(w, words(context)) for w in words(range(VOCAB))]
        np.testing.assert_allclose(ours.next_probabilities(context), expected, rtol=0, atol=1e-15)


def test_maximum_likelihood_gives_way_to_the_shorter_context_when_one_was_never_seen():
    ids = [0, 1, 0, 1, 2]
    model = NGram(3, "maximum_likelihood").fit(ids, 3)
    np.testing.assert_allclose(model.next_probabilities([2, 0]), [0, 1, 0])
    np.testing.assert_allclose(model.next_probabilities([2, 2]), [2 / 5, 2 / 5, 1 / 5])
    assert model.loss([0, 2]) == np.inf


def test_continuation_counts_where_the_text_starts():
    # By hand. Pairs: ab, ba, ac. So "a" follows 1 token, "b" 1, "c" 1, of 3; the first "a" follows nothing.
    # Trigrams: aba, bac. "ab" follows nothing, so after "a" only "c" continues.
    model = NGram(3, discount=0.5).fit([0, 1, 0, 2], 4)
    unigram = np.array([0.5, 0.5, 0.5, 0]) / 3 + 0.5 * 3 / 3 / 4
    np.testing.assert_allclose(model.next_probabilities([]), unigram)
    np.testing.assert_allclose(model.next_probabilities([0]), [0, 0, 0.5, 0] + 0.5 * unigram)


@pytest.mark.parametrize("order", [1, 3, 6])
def test_discounts_are_estimated_from_the_numbers_of_grams_counted_once_and_twice(order):
    ids = text(150).tolist()
    model = NGram(order).fit(ids, VOCAB)
    for k, grams in enumerate(model.grams, start=1):
        if k == order:
            counts = Counter(tuple(ids[i : i + k]) for i in range(len(ids) - k + 1))
        else:
            counts = Counter(g[1:] for g in {tuple(ids[i : i + k + 1]) for i in range(len(ids) - k)})
        once, twice = (list(counts.values()).count(n) for n in (1, 2))
        assert grams.discount == (once / (once + 2 * twice) if once and twice else 0.5)


@pytest.mark.parametrize("smoothing", ["kneser_ney", "maximum_likelihood"])
@pytest.mark.parametrize("order", [1, 2, 4, 7])
def test_every_distribution_sums_to_one_and_loss_reads_it(order, smoothing):
    model = NGram(order, smoothing).fit(text(), VOCAB)
    held_out = text(50, seed=1)
    each = [model.next_probabilities(held_out[:i]) for i in range(len(held_out))]
    np.testing.assert_allclose(np.sum(each, axis=1), 1, rtol=0, atol=1e-12)
    scored = [p[i] for p, i in zip(each, held_out, strict=True)]
    np.testing.assert_allclose(model.probabilities(held_out), scored, rtol=1e-12, atol=1e-15)
    if smoothing == "kneser_ney":
        assert np.min(each) > 0  # also of the symbol that never occurred
        assert model.loss(held_out) == pytest.approx(-np.mean(np.log(scored)), abs=1e-12)


def test_names_of_the_tokens_do_not_matter_in_a_vocabulary_of_65536_at_order_6():
    ids, held_out = text(), text(60, seed=1)
    names = np.sort(np.random.default_rng(2).choice(65536, VOCAB, replace=False)).astype(np.uint16)
    discount = [0.0, *[0.6] * 5]  # so that the uniform distribution, which knows the vocabulary's size, has no weight
    small = NGram(6, discount=discount).fit(ids, VOCAB)
    large = NGram(6, discount=discount).fit(names[ids], 65536)
    np.testing.assert_array_equal(large.probabilities(names[held_out]), small.probabilities(held_out))


def test_longer_contexts_help_on_text_that_has_structure_and_references_are_ordered():
    ids, held_out = text(4000), text(1000, seed=1)
    unigram = unigram_loss(ids, held_out, VOCAB)
    assert NGram(3).fit(ids, VOCAB).loss(held_out) < unigram < uniform_loss(VOCAB)


def test_sampling_is_repeatable_and_follows_the_distribution():
    model = NGram(2).fit(text(), VOCAB)
    assert model.sample(30, context_ids=[3], seed=5) == model.sample(30, context_ids=[3], seed=5)
    drawn = [model.sample(1, context_ids=[3], seed=s)[0] for s in range(2000)]
    np.testing.assert_allclose(np.bincount(drawn, minlength=VOCAB) / 2000, model.next_probabilities([3]), atol=0.04)


@pytest.mark.parametrize(
    ("phrase", "do"),
    [
        ("ngram.order", lambda: NGram(0)),
        ("ngram.discount", lambda: NGram(3, discount=1.5)),
        ("ngram.discount", lambda: NGram(3, discount=[0.5, 0.5])),
        ("ngram.empty", lambda: NGram(2).fit([], 5)),
        ("ngram.vocabulary", lambda: NGram(2).fit([1, 5], 5)),
        ("ngram.vocabulary", lambda: NGram(2).fit([1, 4], 5).next_probabilities([-1])),
    ],
)
def test_mistakes_are_said_in_both_languages(phrase, do):
    with pytest.raises(LearnerError) as caught:
        do()
    assert caught.value.phrase == phrase
    assert str(caught.value) != caught.value.say("zh")
