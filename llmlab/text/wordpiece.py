"""WordPiece, trained: begin with characters, then join the two pieces whose joining makes the text most likely.

Schuster & Nakajima 2012, "Japanese and Korean Voice Search": where byte pairs take the most frequent neighbours,
WordPiece takes those that raise the likelihood of the text most under a model that knows only how frequent each piece
is. BERT (Devlin et al. 2019) writes a piece inside a word with `##` before it, and cuts a new word greedily: the
longest piece that it begins with, then the longest that the rest begins with.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from llmlab.text.bpe import stretches
from llmlab.text.pieces import CHUNKS

PAD, UNKNOWN, CLS, SEP, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
INSIDE = "##"
LONGEST_WORD = 100
"""Characters; a longer word is unknown."""


def build_wordpiece(text: str, vocab_size: int) -> tokenizers.Tokenizer:
    """A BERT tokenizer learned from a text: lower case, without accents, Chinese characters each for themselves."""
    pieces = train_wordpiece(count_words(text), vocab_size - len(SPECIAL))
    vocab = {piece: i for i, piece in enumerate([*SPECIAL, *pieces])}
    backend = tokenizers.Tokenizer(
        models.WordPiece(
            vocab, unk_token=UNKNOWN, continuing_subword_prefix=INSIDE, max_input_chars_per_word=LONGEST_WORD
        )
    )
    backend.normalizer, backend.pre_tokenizer = _NORMALIZER, _CUTTER
    backend.decoder = decoders.WordPiece(prefix=INSIDE, cleanup=True)
    backend.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B:1 {SEP}:1",
        special_tokens=[(w, vocab[w]) for w in (CLS, SEP)],
    )
    backend.add_special_tokens(list(SPECIAL))
    return backend


_NORMALIZER = normalizers.BertNormalizer(lowercase=True)
_CUTTER = pre_tokenizers.BertPreTokenizer()


def count_words(text: str) -> Counter[str]:
    """How often each word and each punctuation mark occurs, as BERT cuts them."""
    counts: Counter[str] = Counter()
    for part in stretches(text):
        for chunk, times in Counter(CHUNKS.findall(part)).items():
            for word, _ in _CUTTER.pre_tokenize_str(_NORMALIZER.normalize_str(chunk)):
                counts[word] += times
    return counts


def train_wordpiece(words: Mapping[str, int], size: int) -> list[str]:
    """At most `size` pieces learned from words with their counts: characters, then joined pieces as they were found.

    With fewer places than characters the most frequent are kept, and words with others take no part.
    """
    alphabet = _alphabet(words, size)
    number = {piece: i for i, piece in enumerate(alphabet)}
    known = {word: n for word, n in sorted(words.items()) if len(word) <= LONGEST_WORD}
    split = [([number.get(c, -1) for c in _characters(word)], n) for word, n in known.items()]
    joining = _Joining(alphabet, [(ids, n) for ids, n in split if -1 not in ids])
    while len(joining.pieces) < size and joining.join_best():
        pass
    return joining.pieces


def encode_word(word: str, vocab: Mapping[str, int]) -> list[str]:
    """A word's pieces, longest first match by longest first match; `[UNK]` when some part of it is in no piece."""
    if len(word) > LONGEST_WORD:
        return [UNKNOWN]
    found: list[str] = []
    start = 0
    while start < len(word):
        prefix = INSIDE if start else ""
        end = next((end for end in range(len(word), start, -1) if prefix + word[start:end] in vocab), None)
        if end is None:
            return [UNKNOWN]
        found.append(prefix + word[start:end])
        start = end
    return found


def _characters(word: str) -> list[str]:
    return [word[0], *(INSIDE + character for character in word[1:])]


def _alphabet(words: Mapping[str, int], size: int) -> list[str]:
    counts: Counter[str] = Counter()
    for word, n in words.items():
        for character in _characters(word):
            counts[character] += n
    return sorted(sorted(counts, key=lambda c: (-counts[c], c))[:size])


class _Joining:
    """Words as pieces, how often each piece and each pair of neighbours occurs, and where.

    Joining a pair that occurs n times, of pieces that occur a and b times among N, changes the log-likelihood
    Σ f(count) − f(N), with f(x) = x ln x, by f(a−n) + f(b−n) + f(n) − f(a) − f(b) + f(N) − f(N−n).
    """

    def __init__(self, pieces: list[str], words: Iterable[tuple[list[int], int]]) -> None:
        self.pieces = pieces
        self._words = [(list(ids), n) for ids, n in words]
        self._pairs: dict[tuple[int, int], int] = {}
        self._where: defaultdict[int, set[int]] = defaultdict(set)
        self._times = np.zeros(len(pieces) * 2, dtype=np.int64)  # of each piece
        self._left, self._right, self._together = (np.zeros(1024, dtype=np.int64) for _ in range(3))  # of each pair
        for index in range(len(self._words)):
            self._count(index, 1)
        self._total = int(self._times.sum())
        counted = np.arange(self._total + 1, dtype=np.float64)
        counted[1:] *= np.log(counted[1:])
        self._f = counted  # x ln x

    def join_best(self) -> bool:
        """Make one piece of the pair that gains most; False when none gains anything."""
        gains = self.gains()
        best = int(gains.argmax()) if len(gains) else 0
        if not len(gains) or gains[best] <= 0:
            return False
        left, right = int(self._left[best]), int(self._right[best])
        new = len(self.pieces)
        self.pieces.append(self.pieces[left] + self.pieces[right].removeprefix(INSIDE))
        if new == len(self._times):
            self._times = np.concatenate([self._times, np.zeros_like(self._times)])
        for index in sorted(self._where[best]):
            self._count(index, -1)
            self._words[index] = (_joined(self._words[index][0], left, right, new), self._words[index][1])
            self._count(index, 1)
        self._total = int(self._times.sum())
        return True

    def gains(self) -> np.ndarray:
        """For each pair, what joining it would add to the log-likelihood of the text."""
        count = len(self._pairs)
        left, right, n = self._left[:count], self._right[:count], self._together[:count]
        f, a, b = self._f, self._times[left], self._times[right]
        same = left == right  # "##a ##a": both come from one piece
        apart = f[a - np.where(same, np.minimum(2 * n, a), n)] - f[a]
        other = np.where(same, 0.0, f[np.maximum(b - n, 0)] - f[b])
        gain: np.ndarray = apart + other + f[n] + f[self._total] - f[self._total - n]
        return np.where(n > 1, gain, 0.0)

    def _count(self, index: int, sign: int) -> None:
        """Count a word's pieces and pairs, or take them back."""
        ids, times = self._words[index]
        for i in ids:
            self._times[i] += sign * times
        for pair in pairwise(ids):
            k = self._pairs.get(pair)
            if k is None:
                k = self._new_pair(pair)
            self._together[k] += sign * times
            if sign > 0:
                self._where[k].add(index)
            else:
                self._where[k].discard(index)

    def _new_pair(self, pair: tuple[int, int]) -> int:
        k = self._pairs[pair] = len(self._pairs)
        if k == len(self._left):
            self._left, self._right, self._together = (
                np.concatenate([a, np.zeros_like(a)]) for a in (self._left, self._right, self._together)
            )
        self._left[k], self._right[k] = pair
        return k


def _joined(ids: list[int], left: int, right: int, new: int) -> list[int]:
    """The pieces of a word with every `left right`, from the front, made `new`."""
    joined: list[int] = []
    for i in ids:
        if i == right and joined and joined[-1] == left:
            joined[-1] = new
        else:
            joined.append(i)
    return joined
