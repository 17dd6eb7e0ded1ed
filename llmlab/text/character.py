"""Character tokenizers: one id per character, in code-point order.

The `tokenizers` library can express them (so that transformers opens them), but encoding hundreds of megabytes
is a table lookup: numpy does that with identical ids.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

EVERY_CHARACTER = r"[\s\S]"
UNKNOWN = "<unk>"
_CHUNK = 1 << 22


def count_characters(text: str) -> dict[str, int]:
    """How often each character occurs, in bounded memory."""
    counts: Counter[int] = Counter()
    for start in range(0, len(text), _CHUNK):
        codes, times = np.unique(_code_points(text[start : start + _CHUNK]), return_counts=True)
        counts.update(dict(zip(codes.tolist(), times.tolist(), strict=True)))
    return {chr(code): n for code, n in counts.items()}


def build_character(text: str, vocab_size: int | None = None) -> tokenizers.Tokenizer:
    """A tokenizer over the distinct characters of `text`.

    With fewer places than characters, the most frequent ones are kept (ties: the lower code point) and the others
    become `<unk>`, id 0. Without need there is no `<unk>`, and decoding gives back every text that can be encoded.
    """
    counts = count_characters(text)
    characters = sorted(counts)
    if vocab_size is not None and len(characters) > vocab_size:
        kept = sorted(characters, key=lambda c: (-counts[c], c))[: vocab_size - 1]
        characters = [UNKNOWN, *sorted(kept)]
    vocab = {character: i for i, character in enumerate(characters)}
    backend = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(EVERY_CHARACTER), "isolated")
    backend.decoder = decoders.Fuse()
    return backend


class CharacterLookup:
    """Code point to id as one array; -1 where the vocabulary has nothing."""

    def __init__(self, vocab: Mapping[str, int]) -> None:
        known = {ord(token): i for token, i in vocab.items() if len(token) == 1}
        self.unknown = vocab.get(UNKNOWN, -1)
        self.table = np.full(max(known, default=0) + 2, self.unknown, dtype=np.int32)
        self.table[list(known)] = list(known.values())

    def encode(self, text: str, dtype: np.dtype[np.unsignedinteger]) -> np.ndarray | None:
        """Ids of shape (len(text),), or None when a character is missing."""
        ids = np.empty(len(text), dtype=dtype)
        for start in range(0, len(text), _CHUNK):
            codes = _code_points(text[start : start + _CHUNK])
            found = self.table[np.minimum(codes, len(self.table) - 1)]
            if self.unknown < 0 and found.size and found.min() < 0:
                return None
            ids[start : start + _CHUNK] = found
        return ids


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
