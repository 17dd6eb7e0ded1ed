"""N-gram language models on arrays of token ids: maximum likelihood and interpolated Kneser–Ney.

The reference beside every loss curve: a model that only counts, from Kneser & Ney, "Improved backing-off for m-gram
language modeling" (ICASSP 1995), interpolated as in Chen & Goodman, "An empirical study of smoothing techniques for
language modeling" (Computer Speech and Language 13, 1999).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmlab.i18n import LearnerError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

UNSEEN = -1


@dataclass(frozen=True, kw_only=True)
class Grams:
    """The distinct k-grams of one length, sorted, and what was counted of them.

    A k-gram is one integer, its key: the rank of its first k-1 tokens among the (k-1)-grams, times the vocabulary
    size, plus its last token. Ranks stay below the length of the text, so keys fit 64 bits at any order.
    """

    keys: Ints
    counts: Ints  # (grams,)
    totals: Ints  # (contexts,) sum of the counts of the grams that continue a context
    continuations: Ints  # (contexts,) how many different tokens continue it
    discount: float

    def rank(self, keys: Ints) -> Ints:
        """The rank of each key among the grams, `UNSEEN` where it is not there."""
        ranks = np.searchsorted(self.keys, keys)
        ranks[ranks == len(self.keys)] = 0
        return np.where(self.keys[ranks] == keys, ranks, UNSEEN)


class NGram:
    """A model of the next token given the `order - 1` tokens before it.

    Interpolated Kneser–Ney subtracts a discount D from every count c of a token w after a context h and gives what
    that frees to the next shorter context h', down to the uniform distribution:

        p(w | h) = max(c(h w) - D, 0) / c(h) + D · N(h) / c(h) · p(w | h')

    N(h) is how many different tokens follow h. Below the highest order, c(h w) is not how often h w was seen but
    after how many different tokens it was: "Francisco" is frequent, yet follows little but "San".

    Maximum likelihood is the same formula with plain counts and D = 0. A context that was never seen gives way to
    the next shorter one in both.

    `discount` is one number for all orders, or one for each from the unigram up; by default it is estimated for each
    order as n1 / (n1 + 2 n2), from the numbers of grams counted once and twice.
    """

    def __init__(
        self,
        order: int,
        smoothing: Literal["kneser_ney", "maximum_likelihood"] = "kneser_ney",
        discount: float | Sequence[float] | None = None,
    ) -> None:
        if order < 1:
            raise LearnerError("ngram.order", order=order)
        discounts = list(discount) if isinstance(discount, Sequence) else [discount] * order
        if len(discounts) != order or any(d is not None and not 0 <= d <= 1 for d in discounts):
            raise LearnerError("ngram.discount", discount=discount, order=order)
        self.order = order
        self.smoothing = smoothing
        self.discounts = discounts
        self.vocab_size = 0
        self.grams: list[Grams] = []  # grams[k - 1] holds the k-grams

    def fit(self, ids: ArrayLike, vocab_size: int) -> Self:
        """Count the grams of `ids` (tokens,). Raises LearnerError for no ids, or ids outside the vocabulary."""
        tokens = _tokens(ids, vocab_size)
        self.vocab_size, self.grams = vocab_size, []
        ranks = np.zeros(len(tokens) + 1, dtype=np.int64)  # the empty gram, also before the first token
        contexts, plain, suffixes = 1, [], []
        for k in range(1, self.order + 1):
            if len(tokens) < k:
                break
            shorter = ranks  # of the (k-1)-grams, ending at tokens k-2 …
            grams = shorter[:-1] * vocab_size + tokens[k - 1 :]
            keys, first, ranks, counts = np.unique(grams, return_index=True, return_inverse=True, return_counts=True)
            plain.append((keys, counts, contexts))
            suffixes.append(shorter[1:][first])  # each k-gram without its first token, as a (k-1)-gram
            contexts = len(keys)
        for k, (keys, counts, contexts) in enumerate(plain, start=1):
            if self.smoothing == "kneser_ney" and k < len(plain):
                counts = np.bincount(suffixes[k], minlength=len(keys))
            parents = keys // vocab_size
            self.grams.append(
                Grams(
                    keys=keys,
                    counts=counts,
                    totals=np.bincount(parents, counts, minlength=contexts).astype(np.int64),
                    continuations=np.bincount(parents[counts > 0], minlength=contexts),
                    discount=self._discount(k, counts),
                )
            )
        return self

    def _discount(self, k: int, counts: Ints) -> float:
        if self.smoothing == "maximum_likelihood":
            return 0.0
        given = self.discounts[k - 1]
        if given is not None:
            return given
        once, twice = int(np.sum(counts == 1)), int(np.sum(counts == 2))
        # With either at zero the estimate is no estimate (0 or 1), and D = 0 would make unseen tokens impossible.
        return once / (once + 2 * twice) if once and twice else 0.5

    def probabilities(self, ids: ArrayLike) -> Floats:
        """The probability of each of `ids` (tokens,) after those before it: (tokens,). The first have less context."""
        tokens = _tokens(ids, self.vocab_size)
        p = np.full(len(tokens), 1 / self.vocab_size)
        shorter = np.zeros(len(tokens) + 1, dtype=np.int64)
        for k, grams in enumerate(self.grams, start=1):
            if len(tokens) < k:
                break
            contexts = shorter[:-1]
            ranks = grams.rank(np.where(contexts == UNSEEN, UNSEEN, contexts * self.vocab_size + tokens[k - 1 :]))
            totals = np.where(contexts == UNSEEN, 0, grams.totals[contexts])
            seen = np.flatnonzero(totals)
            total = totals[seen]
            counts = np.where(ranks[seen] == UNSEEN, 0, grams.counts[ranks[seen]])
            freed = grams.discount * grams.continuations[contexts[seen]] / total
            p[k - 1 :][seen] = np.maximum(counts - grams.discount, 0) / total + freed * p[k - 1 :][seen]
            shorter = ranks
        return p

    def loss(self, ids: ArrayLike) -> float:
        """Mean negative log probability of `ids`, in nats per token: infinite if one of them is impossible."""
        with np.errstate(divide="ignore"):
            return float(-np.mean(np.log(self.probabilities(ids))))

    def next_probabilities(self, context_ids: ArrayLike) -> Floats:
        """The distribution of the token after `context_ids`: (vocab_size,), summing to 1."""
        context = np.asarray(context_ids, dtype=np.int64).reshape(-1)
        context = _tokens(context, self.vocab_size) if len(context) else context
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        for k, grams in enumerate(self.grams[: len(context) + 1], start=1):
            rank = self._rank(context[len(context) - k + 1 :])
            if rank == UNSEEN or not grams.totals[rank]:
                break  # every longer context ends in this one, and was not seen either
            total = grams.totals[rank]
            first, last = np.searchsorted(grams.keys, [rank * self.vocab_size, (rank + 1) * self.vocab_size])
            p *= grams.discount * grams.continuations[rank] / total
            p[grams.keys[first:last] - rank * self.vocab_size] += (
                np.maximum(grams.counts[first:last] - grams.discount, 0) / total
            )
        return p

    def _rank(self, gram: Ints) -> int:
        rank = 0
        for grams, token in zip(self.grams, gram, strict=False):
            rank = int(grams.rank(np.array([rank * self.vocab_size + token]))[0])
            if rank == UNSEEN:
                break
        return rank

    def sample(self, length: int, *, context_ids: ArrayLike = (), seed: int = 0) -> list[int]:
        """`length` token ids drawn one after the other from `next_probabilities`."""
        generator = np.random.default_rng(seed)
        ids = [int(i) for i in np.asarray(context_ids, dtype=np.int64)]
        given = len(ids)
        for _ in range(length):
            cumulative = np.cumsum(self.next_probabilities(ids[max(0, len(ids) - self.order + 1) :]))
            ids.append(int(np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right")))
        return ids[given:]


def uniform_loss(vocab_size: int) -> float:
    """The loss, in nats per token, of knowing nothing but the vocabulary."""
    return float(np.log(vocab_size))


def unigram_loss(train_ids: ArrayLike, val_ids: ArrayLike, vocab_size: int) -> float:
    """The loss on `val_ids`, in nats per token, of knowing only how frequent each token is in `train_ids`."""
    return NGram(1).fit(train_ids, vocab_size).loss(val_ids)


def _tokens(ids: ArrayLike, vocab_size: int) -> Ints:
    tokens = np.asarray(ids, dtype=np.int64).reshape(-1)
    if not len(tokens):
        raise LearnerError("ngram.empty")
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        wrong = tokens[(tokens < 0) | (tokens >= vocab_size)][0]
        raise LearnerError("ngram.vocabulary", id=int(wrong), vocab_size=vocab_size)
    return tokens
