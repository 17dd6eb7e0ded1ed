"""Finding the stored text that is most like a new one, by the words they share (TF–IDF and the cosine).

A word that stands in few of the stored texts says more than one that stands in many: idf(w) = ln((1 + N) / (1 + n_w))
+ 1 (Spärck Jones 1972, smoothed as in scikit-learn). A text is the vector of its counts times idf, scaled to length 1,
and the likeness of two texts the product of their vectors: a sum over the words they share, which explains itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmlab.i18n import LearnerError
from llmlab.tasks.word_counts import Counts, counts, pieces, vocabulary


@dataclass(frozen=True, kw_only=True)
class Match:
    """A stored text and how like it is."""

    index: int
    score: float
    """Cosine, from 0 (no word shared) to 1."""
    shared: dict[str, float]
    """What each shared piece adds to the score, the largest first."""


class Matcher:
    """The stored texts as vectors. `longest`: 2 also compares pairs of neighbouring words or characters."""

    def __init__(self, texts: Sequence[str], *, longest: int = 2) -> None:
        self.longest = longest
        self.columns = vocabulary(texts, longest=longest)
        table = counts(texts, self.columns, longest=longest)
        self.idf = np.log((1 + len(texts)) / (1 + (table > 0).sum(0))) + 1  # (piece,)
        self.vectors = self._weighted(table)  # (text, piece)

    def _weighted(self, table: Counts) -> Counts:
        weighted = table * self.idf
        length = np.linalg.norm(weighted, axis=1, keepdims=True)
        scaled: Counts = weighted / np.where(length == 0, 1, length)
        return scaled

    def rank(self, text: str) -> list[Match]:
        """All stored texts, the likest first. Raises LearnerError for a text without any word."""
        if not pieces(text):
            raise LearnerError("tasks.no_words")
        vector = self._weighted(counts([text], self.columns, longest=self.longest))[0]
        terms = self.vectors * vector  # (text, piece)
        scores = terms.sum(1)
        names = list(self.columns)
        found = []
        for index in np.argsort(-scores, kind="stable"):
            order = np.argsort(-terms[index], kind="stable")
            shared = {names[i]: float(terms[index, i]) for i in order if terms[index, i] > 0}
            found.append(Match(index=int(index), score=float(scores[index]), shared=shared))
        return found
