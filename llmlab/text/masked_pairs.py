"""Sentence pairs with masked tokens: the examples from which BERT learns (Devlin et al. 2019, §3.1 and A.2).

    [CLS] sentences A [SEP] sentences B [SEP] [PAD] …

In half of them B is what follows A in the text, in the other half it comes from elsewhere in it.
"""

from dataclasses import dataclass

import numpy as np

from llmlab.text.epochs import Epochs
from llmlab.text.masking import mask_tokens

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
MARKS = 3
"""[CLS] and two [SEP]."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The ids of the tokens that stand for no text."""

    cls: int
    sep: int
    mask: int
    pad: int
    others: np.ndarray
    """Every other id."""


class MaskedPairs(Epochs):
    """Batches of examples, in an order and with masks that follow from the seed.

    An epoch walks through the text once, in stretches of whole sentences that fit the context, from another beginning
    each time, and visits them in random order. `starts`: where each sentence begins in `ids`.
    """

    def __init__(
        self, ids: np.ndarray, starts: np.ndarray, marks: Marks, *, context_length: int, batch_size: int, seed: int
    ) -> None:
        self._ids, self._marks, self._context = ids, marks, context_length
        self._room = context_length - MARKS
        self._bounds = _bounds(starts, len(ids), longest=max(1, self._room // 2))
        self._batch_size = batch_size
        super().__init__(seed)

    def next(self) -> Batch:
        """Read ids, segments, labels (`UNASKED` where nothing is asked), each int64 (batch, context); and for each
        example 0 where B follows A, 1 where it does not, (batch,).
        """
        return _stacked([self._example(int(i)) for part in self._visit(self._batch_size) for i in part])

    def batch(self, indices: np.ndarray) -> Batch:
        """Chosen examples of this epoch, by their place in the text: always the same."""
        return _stacked([self._example(int(index)) for index in indices])

    def __len__(self) -> int:
        """Examples in this epoch."""
        return len(self._order)

    def _laid_out(self, epoch: int, random: np.random.Generator) -> np.ndarray:
        n_sentences = len(self._bounds) - 1
        first = int(random.integers(min(8, n_sentences))) if epoch else 0
        self._stretches: list[tuple[int, int]] = []
        while first < n_sentences:
            end = self._end(first, self._room)
            self._stretches.append((first, end))
            first = end
        return random.permutation(len(self._stretches))

    def _end(self, first: int, room: int) -> int:
        """One past the last sentence such that those from `first` on fit into `room` tokens; one at least."""
        return max(first + 1, int(np.searchsorted(self._bounds, self._bounds[first] + room, side="right")) - 1)

    def _example(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        random = np.random.default_rng([self._seed, self._epoch, index])
        first, end = self._stretches[index]
        n_sentences = len(self._bounds) - 1
        middle = first + (int(random.integers(1, end - first)) if end - first > 1 else 1)
        a = self._ids[self._bounds[first] : self._bounds[middle]]
        elsewhere = middle == end or random.random() < 0.5
        begin = middle
        if elsewhere:
            begin = int(random.integers(n_sentences))
            if begin == middle:
                begin = (begin + 1) % n_sentences
            end = self._end(begin, self._room - len(a))
        b = self._ids[self._bounds[begin] : self._bounds[end]][: self._room - len(a)]
        return *self._masked(a, b, random), int(elsewhere)

    def _masked(
        self, a: np.ndarray, b: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        marks = self._marks
        ids = np.full(self._context, marks.pad, dtype=np.int64)
        text = np.zeros(self._context, dtype=bool)
        segments = np.zeros(self._context, dtype=np.int64)
        sep, last = 1 + len(a), 2 + len(a) + len(b)
        ids[0], ids[sep], ids[last] = marks.cls, marks.sep, marks.sep
        ids[1:sep], ids[sep + 1 : last] = a, b
        text[1:sep] = text[sep + 1 : last] = True
        segments[sep + 1 : last + 1] = 1
        read, labels = mask_tokens(ids, text, random, mask_id=marks.mask, others=marks.others)
        return read, segments, labels


def _bounds(starts: np.ndarray, n_tokens: int, *, longest: int) -> np.ndarray:
    """Where sentences begin, and the end of the text; those longer than `longest` tokens are cut."""
    edges = np.unique(np.concatenate([[0], np.asarray(starts, dtype=np.int64), [n_tokens]]))
    edges = edges[(edges >= 0) & (edges <= n_tokens)]
    lengths = np.diff(edges)
    pieces = -(-lengths // longest)
    inside = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.append(np.repeat(edges[:-1], pieces) + inside * longest, n_tokens)


def _stacked(examples: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]) -> Batch:
    ids, segments, labels, follows = zip(*examples, strict=True)
    return np.stack(ids), np.stack(segments), np.stack(labels), np.array(follows, dtype=np.int64)
