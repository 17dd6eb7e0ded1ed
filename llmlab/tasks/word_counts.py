"""A text as counts of its words: what classifiers and search engines read before there were embeddings.

A unit is a word where words are written apart, and a character of Chinese, which is not cut into words by blanks. Pairs
of neighbours keep a little of the order: "not good" is one piece, and so is 好看.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

_UNIT = re.compile(r"[\u4e00-\u9fff]|[^\W\d_\u4e00-\u9fff]+(?:'[^\W\d_]+)*|\d+")
_BREAK = re.compile(r"[^\w\s']|_")


def pieces(text: str, *, longest: int = 1) -> list[str]:
    """Its units in order, and with `longest` 2 also each two neighbours that no mark parts, of one script."""
    found: list[str] = []
    for clause in _BREAK.split(text.lower()):
        units = _UNIT.findall(clause)
        for length in range(1, longest + 1):
            groups = [units[i : i + length] for i in range(len(units) - length + 1)]
            found += [("" if _is_chinese(g[0]) else " ").join(g) for g in groups if len({*map(_is_chinese, g)}) == 1]
    return found


def _is_chinese(unit: str) -> bool:
    return "\u4e00" <= unit <= "\u9fff"


def vocabulary(texts: Sequence[str], *, longest: int = 1) -> dict[str, int]:
    """A column for each piece that occurs, in alphabetical order."""
    return {piece: i for i, piece in enumerate(sorted({p for text in texts for p in pieces(text, longest=longest)}))}


def counts(texts: Sequence[str], columns: Mapping[str, int], *, longest: int = 1) -> Counts:
    """How often each piece occurs in each text, (text, piece). Pieces without a column are passed over."""
    table = np.zeros((len(texts), len(columns)))
    for row, text in enumerate(texts):
        for piece, count in Counter(pieces(text, longest=longest)).items():
            if piece in columns:
                table[row, columns[piece]] = count
    return table
