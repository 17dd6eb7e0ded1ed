"""Masked tokens: what BERT learns from (Devlin et al. 2019, §3.1, task 1)."""

import numpy as np

SHARE = 0.15
"""Of the tokens are to be predicted."""
MASKED, RANDOM = 0.8, 0.1
"""Of these so many are hidden behind [MASK], and so many behind some other token; the rest stay as they are, so that
the model must doubt what it sees everywhere."""
UNASKED = -100
"""The label of a position that is not to be predicted."""


def mask_tokens(
    ids: np.ndarray, may_be: np.ndarray, random: np.random.Generator, *, mask_id: int, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the model reads, and the labels: the token that stood there, or `UNASKED`; both as long as `ids`.

    Of the positions where `may_be` is true 15 % are asked, at least one. `others`: ids to put in a token's place.
    """
    places = np.flatnonzero(may_be)
    asked = random.permutation(places)[: max(1, round(SHARE * len(places)))]
    read, labels = ids.copy(), np.full_like(ids, UNASKED)
    labels[asked] = ids[asked]
    fate = random.random(len(asked))
    read[asked[fate < MASKED]] = mask_id
    swapped = asked[(fate >= MASKED) & (fate < MASKED + RANDOM)]
    read[swapped] = random.choice(others, len(swapped))
    return read, labels
