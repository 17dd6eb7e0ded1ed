"""Softmax: from scores to probabilities, without overflow."""

from typing import Any

import torch
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(0)
    return [
        (torch.tensor([0.0, 1.0, 2.0]),),
        (torch.tensor([1000.0, 1001.0, 999.0]),),
        (torch.randn(3, 5, generator=random),),
        (torch.randn(4, 8, 64, generator=random),),
    ]


def _over_everything(x: Tensor) -> Tensor:
    return x.flatten().softmax(0).view(x.shape)


def _overflowing(x: Tensor) -> Tensor:
    return x.exp() / x.exp().sum(-1, keepdim=True)


EXERCISE = Exercise(
    name="softmax",
    chapter=6,
    title={"en": "Softmax", "zh": "Softmax"},
    task={
        "en": "Turn scores into probabilities along the last dimension: $p_i = e^{x_i} / \\sum_j e^{x_j}$. "
        "Scores of a thousand must work too. Do not call `torch.softmax`.",
        "zh": "沿最后一维把分数变成概率：$p_i = e^{x_i} / \\sum_j e^{x_j}$。"
        "分数上千时也要正确。不要调用 `torch.softmax`。",
    },
    hints=(
        {
            "en": "Subtracting the same number from all scores leaves the quotient as it is.",
            "zh": "所有分数同时减去一个数，商不变。",
        },
        {
            "en": "Subtract the largest score of each row: `x.max(dim=-1, keepdim=True).values`.",
            "zh": "每一行减去该行的最大值：`x.max(dim=-1, keepdim=True).values`。",
        },
    ),
    stub='''import torch

def softmax(x):
    """x: (..., n) scores. Returns probabilities of the same shape that sum to 1 along the last dimension."""
    ...
''',
    answer="""import torch

def softmax(x):
    e = (x - x.max(dim=-1, keepdim=True).values).exp()
    return e / e.sum(dim=-1, keepdim=True)
""",
    reference=lambda x: torch.softmax(x, dim=-1),
    cases=cases,
    mistakes=(
        Mistake(
            function=_overflowing,
            hint={
                "en": "$e^{1000}$ is too large for a float: subtract the largest score first.",
                "zh": "$e^{1000}$ 超出了浮点数的范围：先减去最大的分数。",
            },
        ),
        Mistake(
            function=_over_everything,
            hint={
                "en": "The sum runs over all numbers; it should run along the last dimension only.",
                "zh": "你对所有元素求了和，而这里只应沿最后一维求和。",
            },
        ),
    ),
)
