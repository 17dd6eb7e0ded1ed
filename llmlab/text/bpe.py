"""Byte-level byte-pair encoding, trained: begin with 256 bytes, then join the most frequent neighbours again and again.

Sennrich, Haddow & Birch 2016, "Neural Machine Translation of Rare Words with Subword Units"; the bytes and the pattern
that cuts text into words beforehand are GPT-2's (Radford et al. 2019). What makes it fast: each distinct word is kept
once with its count, an index says in which words a pair occurs, and a heap says which pair is next.
Ids and merges are those of `tokenizers.trainers.BpeTrainer`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from random import Random

import regex  # type: ignore[import-untyped]

from llmlab.text.pieces import spans

Pair = tuple[int, int]

WORDS = regex.compile(r"'(?:[stmd]|re|ve|ll)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s+(?!\S)|\s+")
"""GPT-2's words: letters, digits or other signs, each with the space before it. No token reaches across two words."""

SAMPLE = 10_000_000
"""Characters of a long text from which merges are learned, taken in stretches from everywhere."""

DISTINCT = 3_000_000
"""Bytes of distinct words after which no more text is read. Only Chinese and its like, where a word is a whole clause,
come so far: the work grows with these bytes (some 6 seconds and 300 MB at this limit)."""


def _visible_bytes() -> dict[int, str]:
    """GPT-2's way to write every byte as one printable character, so that tokens can stand in a JSON file."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = (byte for byte in range(256) if byte not in printable)
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


VISIBLE = _visible_bytes()
BYTES = {character: byte for byte, character in VISIBLE.items()}
ALPHABET = tuple(sorted(VISIBLE, key=lambda byte: VISIBLE[byte]))
"""The byte of each of the first 256 ids."""


@dataclass(frozen=True, kw_only=True)
class BPE:
    """A trained byte-pair encoding."""

    tokens: tuple[bytes, ...]
    """The bytes of every id."""
    merges: tuple[Pair, ...]
    """Which two ids were joined, first merge first."""

    def vocabulary(self) -> dict[str, int]:
        """Token, written in visible bytes, to id."""
        return {visible(token): i for i, token in enumerate(self.tokens)}

    def steps(self, text: str) -> Iterator[list[bytes]]:
        """How `text` is encoded: its bytes, then the tokens after each merge that applies, in the order of training."""
        ids = {token: i for i, token in enumerate(self.tokens)}
        ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        words = [_byte_ids(word) for word in WORDS.findall(text)]
        yield self._pieces(words)
        while known := {pair for word in words for pair in pairwise(word) if pair in ranks}:
            pair = min(known, key=ranks.__getitem__)
            joined = ids[self.tokens[pair[0]] + self.tokens[pair[1]]]
            for word in words:
                _join(word, pair, joined)
            yield self._pieces(words)

    def _pieces(self, words: Sequence[Sequence[int]]) -> list[bytes]:
        return [self.tokens[i] for word in words for i in word]


@dataclass(frozen=True, kw_only=True)
class MergeStep:
    """One step of training."""

    pair: tuple[bytes, bytes]
    """The two tokens that stood side by side most often."""
    count: int
    """How often they did."""
    token: bytes
    """What they become."""
    pieces: list[bytes]
    """The whole text in tokens after this step."""


def train_bpe(text: str, vocab_size: int) -> BPE:
    """Learn `vocab_size` − 256 merges; fewer when no two neighbours are left to join.

    Texts beyond `SAMPLE` characters or `DISTINCT` bytes are sampled, always in the same way: which pairs are frequent
    hardly depends on seeing every page.
    """
    counts = _count_words(text)
    tokens = [bytes([byte]) for byte in ALPHABET]
    words = [_byte_ids(word) for word in counts]
    merges = [pair for pair, _, _ in _merge(words, list(counts.values()), tokens, vocab_size)]
    return BPE(tokens=tuple(tokens), merges=tuple(merges))


def merge_steps(text: str, vocab_size: int) -> Iterator[MergeStep]:
    """The same training on a short text, one step at a time, with the text as it is cut after each."""
    in_order = WORDS.findall(text)
    counts = Counter(in_order)
    tokens = [bytes([byte]) for byte in ALPHABET]
    words = {word: _byte_ids(word) for word in counts}
    for (left, right), count, joined in _merge(list(words.values()), list(counts.values()), tokens, vocab_size):
        yield MergeStep(
            pair=(tokens[left], tokens[right]),
            count=count,
            token=tokens[joined],
            pieces=[tokens[i] for word in in_order for i in words[word]],
        )


def _merge(
    words: Sequence[list[int]], times: Sequence[int], tokens: list[bytes], vocab_size: int
) -> Iterator[tuple[Pair, int, int]]:
    """Join the most frequent pair (ties: the smaller ids) until `tokens` holds `vocab_size`; words and tokens change.

    Yields the pair, how often it occurred, and the id of what it became.
    """
    counts: defaultdict[Pair, int] = defaultdict(int)
    found_in: defaultdict[Pair, set[int]] = defaultdict(set)
    for w, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += times[w]
            found_in[pair].add(w)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapify(heap)

    while len(tokens) < vocab_size and heap:
        count, pair = heappop(heap)
        if -count != counts[pair]:  # other merges took some of its places: back in the queue with what is left
            if counts[pair] > 0:
                heappush(heap, (-counts[pair], pair))
            continue
        left, right = pair
        joined = len(tokens)
        tokens.append(tokens[left] + tokens[right])
        grown: set[Pair] = set()
        for w in found_in.pop(pair):
            gone, new = _join(words[w], pair, joined)
            for neighbours in gone:
                counts[neighbours] -= times[w]
            for neighbours in new:
                counts[neighbours] += times[w]
                found_in[neighbours].add(w)
            grown.update(new)
        for neighbours in grown:
            if counts[neighbours] > 0:  # none are left where a word like "aaaa" was joined twice
                heappush(heap, (-counts[neighbours], neighbours))
        yield pair, -count, joined


def _join(word: list[int], pair: Pair, joined: int) -> tuple[list[Pair], list[Pair]]:
    """Replace the pair wherever it stands in the word, left to right; returns the neighbours gone and the new ones."""
    left, right = pair
    gone: list[Pair] = []
    new: list[Pair] = []
    i = 0
    try:
        while True:
            i = word.index(left, i, len(word) - 1)
            if word[i + 1] == right:
                if i > 0:
                    gone.append((word[i - 1], left))
                    new.append((word[i - 1], joined))
                if i + 2 < len(word):
                    gone.append((right, word[i + 2]))
                    new.append((joined, word[i + 2]))
                word[i : i + 2] = [joined]
            i += 1
    except ValueError:  # no further `left`
        return gone, new


def visible(token: bytes) -> str:
    """Bytes as GPT-2's printable characters."""
    return "".join(VISIBLE[byte] for byte in token)


_ID_OF_BYTE = {byte: i for i, byte in enumerate(ALPHABET)}


def _byte_ids(word: str) -> list[int]:
    return [_ID_OF_BYTE[byte] for byte in word.encode("utf-8")]


def _count_words(text: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    size = 0
    for stretch in stretches(text):
        for word in WORDS.findall(stretch):
            if word not in counts:
                size += len(word.encode("utf-8"))
            counts[word] += 1
        if size > DISTINCT:
            break
    return counts


def stretches(text: str) -> Iterator[str]:
    """The text in parts, all of it or `SAMPLE` characters, in an order that takes early ones from everywhere."""
    parts = list(spans(text, size=200_000))
    Random(0).shuffle(parts)
    left = SAMPLE
    for start, end in parts:
        if left <= 0:
            return
        left -= end - start
        yield text[start:end]
