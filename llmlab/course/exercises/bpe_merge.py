"""One step of learning byte-pair encoding (Sennrich, Haddow and Birch 2016)."""

from collections import Counter
from itertools import pairwise
from typing import Any

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    return [
        (list("abab"),),
        (list("aaaa"),),
        (list("the cat sat on the mat "),),
        (list("she sells sea shells by the sea shore " * 20),),
    ]


def _merge(tokens: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    i = 0
    while i < len(tokens):
        if i + 1 < len(tokens) and (tokens[i], tokens[i + 1]) == pair:
            merged.append(tokens[i] + tokens[i + 1])
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


def _reference(tokens: list[str]) -> list[str]:
    counts = Counter(pairwise(tokens))
    return _merge(tokens, min(counts, key=lambda pair: (-counts[pair], pair)))


def _rarest(tokens: list[str]) -> list[str]:
    counts = Counter(pairwise(tokens))
    return _merge(tokens, min(counts, key=lambda pair: (counts[pair], pair)))


def _overlapping(tokens: list[str]) -> list[str]:
    counts = Counter(pairwise(tokens))
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    return [a + b if (a, b) == best else a for a, b in zip(tokens, [*tokens[1:], ""], strict=True)]


EXERCISE = Exercise(
    name="bpe_merge",
    chapter=3,
    title={"en": "One BPE merge", "zh": "一次 BPE 合并"},
    task={
        "en": "Count the neighbouring pairs, take the most frequent one (of equally frequent ones the first in alphabetical "
        "order), and replace it from left to right by one token. Return the new list.",
        "zh": "统计所有相邻的词元对，取出现次数最多的一对（次数相同时取字典序最前的），从左到右把它替换成一个词元，返回新的列表。",
    },
    hints=(
        {
            "en": "`Counter(zip(tokens, tokens[1:]))` counts the pairs.",
            "zh": "`Counter(zip(tokens, tokens[1:]))` 可以统计词元对。",
        },
        {
            "en": "Walk with an index: after a replacement go on two places, so that `aaa` becomes `aa`, `a`.",
            "zh": "用下标遍历：替换之后前进两格，这样 `aaa` 会变成 `aa`、`a`。",
        },
    ),
    stub='''from collections import Counter

def bpe_merge(tokens):
    """tokens: a list of strings, two at least. Returns the list with the most frequent pair merged."""
    ...
''',
    answer="""from collections import Counter

def bpe_merge(tokens):
    counts = Counter(zip(tokens, tokens[1:]))
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == best:
            merged.append(tokens[i] + tokens[i + 1])
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=_overlapping,
            hint={
                "en": "After a merge the second half of the pair is still there: go on two places.",
                "zh": "合并之后，那一对的后一半还留着：应当前进两格。",
            },
        ),
        Mistake(
            function=_rarest,
            hint={"en": "It merges the rarest pair.", "zh": "合并的是出现最少的一对。"},
        ),
    ),
    gradient=False,
)
