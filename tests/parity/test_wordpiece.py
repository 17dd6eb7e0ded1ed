"""Word pieces against their authorities: the library's encoding, transformers' reading of the files, and the likelihood
that a merge is chosen for, computed from nothing but counts.
"""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from llmlab.text.tales import write_tales
from llmlab.text.tokenizer import train_tokenizer
from llmlab.text.wordpiece import _characters, _Joining, encode_word

TEXT = write_tales("en", characters=20_000) + write_tales("zh", characters=4_000) + " Café naïve 3.14 don't!\n"
HARD = "The cat's CAFÉ sat\t on 床前明月光 . zzzqqq 🙂 don't\n\n[MASK] and " + "a" * 120


def log_likelihood(words: list[tuple[list[int], int]]) -> float:
    counts = Counter(i for ids, n in words for i in ids for _ in range(n))
    total = sum(counts.values())
    return sum(n * math.log(n / total) for n in counts.values())


def test_every_gain_is_the_change_of_the_texts_likelihood():
    words = {"banana": 3, "bandana": 2, "an": 4, "nab": 1, "abba": 2}
    alphabet = sorted({c for word in words for c in _characters(word)})
    split = [([alphabet.index(c) for c in _characters(word)], n) for word, n in words.items()]
    joining = _Joining(list(alphabet), split)
    before = log_likelihood(split)
    for (left, right), gain in zip(joining._pairs, joining.gains(), strict=True):
        joined = []
        for ids, n in split:
            made: list[int] = []
            for i in ids:
                if made and made[-1] == left and i == right:
                    made[-1] = 99
                else:
                    made.append(i)
            joined.append((made, n))
        if sum(n * ids.count(99) for ids, n in joined) > 1:
            assert gain == pytest.approx(log_likelihood(joined) - before, abs=1e-9)
    best = int(joining.gains().argmax())
    left, right = list(joining._pairs)[best]
    assert joining.join_best()
    assert joining.pieces[-1] == alphabet[left] + alphabet[right].removeprefix("##")


def test_counts_stay_those_of_the_words_until_nothing_gains():
    joining = _Joining(["a", "##a", "##b"], [([0, 1, 1, 2], 3), ([0, 2], 2), ([0, 1, 1, 1], 1)])
    while joining.join_best():
        counts = np.zeros(len(joining.pieces), dtype=np.int64)
        pairs: Counter[tuple[int, int]] = Counter()
        for ids, n in joining._words:
            np.add.at(counts, ids, n)
            for pair in pairwise(ids):
                pairs[pair] += n
        assert np.array_equal(joining._times[: len(counts)], counts)
        assert {pair: n for pair, n in zip(joining._pairs, joining._together, strict=False) if n} == pairs
    assert joining.pieces == ["a", "##a", "##b", "##aa", "aaa", "ab", "aaab"]  # aaaa occurs once: never joined whole


@pytest.mark.parametrize("size", [300, 900])
def test_words_are_cut_as_the_library_cuts_them(size):
    tokenizer = train_tokenizer("wordpiece", TEXT, vocab_size=size)
    vocab = tokenizer._backend.get_vocab()
    for word, _ in tokenizer._backend.pre_tokenizer.pre_tokenize_str(tokenizer._backend.normalizer.normalize_str(HARD)):
        if "[" not in word:
            assert encode_word(word, vocab) == [tokenizer._backend.id_to_token(i) for i in tokenizer.encode(word)]


def test_transformers_reads_the_same_ids_and_pairs(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = train_tokenizer("wordpiece", TEXT, vocab_size=600)
    assert tokenizer.vocab_size == 600
    tokenizer.save(tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in (TEXT, HARD):
        assert theirs(text, add_special_tokens=False)["input_ids"] == tokenizer.encode(text)
        assert tokenizer.encode_array(text).tolist() == tokenizer.encode(text)
    pair = theirs("the cat", "a dog")
    a, b = tokenizer.encode("the cat"), tokenizer.encode("a dog")
    assert pair["input_ids"] == [tokenizer.cls_id, *a, tokenizer.sep_id, *b, tokenizer.sep_id]
    assert pair["token_type_ids"] == [0] * (len(a) + 2) + [1] * (len(b) + 1)
    assert (theirs.mask_token_id, theirs.pad_token_id) == (tokenizer.mask_id, tokenizer.pad_id)
    assert tokenizer.encode("a [MASK] b")[1] == tokenizer.mask_id
