"""The causal mask: no position sees what comes after it."""

from typing import Any

import torch
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(2)
    return [
        (torch.tensor([[1.0, 2.0], [3.0, 4.0]]),),
        (torch.randn(5, 5, generator=random),),
        (torch.randn(8, 64, 64, generator=random),),
    ]


def _reference(scores: Tensor) -> Tensor:
    n = scores.shape[-1]
    return scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)


EXERCISE = Exercise(
    name="causal_mask",
    chapter=6,
    title={"en": "Causal mask", "zh": "因果掩码"},
    task={
        "en": "Row $t$ of the scores belongs to the query at position $t$, column $s$ to the key at position $s$. "
        "Set every score with $s > t$ to $-\\infty$ and leave the others.",
        "zh": "分数矩阵的第 $t$ 行对应位置 $t$ 的查询，第 $s$ 列对应位置 $s$ 的键。"
        "把所有 $s > t$ 的分数设为 $-\\infty$，其余保持不变。",
    },
    hints=(
        {"en": "`torch.triu` and `masked_fill`.", "zh": "可用 `torch.triu` 和 `masked_fill`。"},
        {
            "en": "The diagonal stays: `torch.ones(n, n, dtype=torch.bool).triu(1)` is what to hide.",
            "zh": "对角线要保留：要遮住的是 `torch.ones(n, n, dtype=torch.bool).triu(1)`。",
        },
    ),
    stub='''import torch

def causal_mask(scores):
    """scores: (..., n, n), queries by keys. Returns the same with -inf above the diagonal."""
    ...
''',
    answer="""import torch

def causal_mask(scores):
    n = scores.shape[-1]
    future = torch.ones(n, n, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -torch.inf)
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda s: s.masked_fill(torch.ones(s.shape[-1], s.shape[-1]).triu(0).bool(), -torch.inf),
            hint={
                "en": "The diagonal is hidden as well: a position may look at itself.",
                "zh": "连对角线也遮住了：每个位置可以看到自己。",
            },
        ),
        Mistake(
            function=lambda s: s.masked_fill(torch.ones(s.shape[-1], s.shape[-1]).tril(-1).bool(), -torch.inf),
            hint={
                "en": "The past is hidden and the future is open: it is the other triangle.",
                "zh": "遮住了过去，放开了未来：弄反了三角，应遮住另一半。",
            },
        ),
        Mistake(
            function=lambda s: s.tril(),
            hint={
                "en": "Zero is a score like any other and still gets weight: the hidden ones must be $-\\infty$.",
                "zh": "0 也是正常的分数，softmax 后仍有权重：被遮住的必须是 $-\\infty$。",
            },
        ),
    ),
)
