"""Nucleus sampling: which tokens are kept (Holtzman et al. 2020)."""

from typing import Any

import torch
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(9)
    return [
        (torch.tensor([0.5, 0.3, 0.2]), 0.6),
        (torch.tensor([0.1, 0.7, 0.2]), 0.5),
        (torch.randn(50, generator=random).mul(2).softmax(0), 0.9),
        (torch.randn(5000, generator=random).softmax(0), 0.95),
    ]


def _reference(p: Tensor, top: float) -> Tensor:
    """transformers' own filter, on logarithms."""
    from transformers import TopPLogitsWarper

    kept = TopPLogitsWarper(top_p=top)(torch.zeros(1, 1, dtype=torch.long), p.log()[None])
    filtered: Tensor = kept[0].softmax(-1)
    return filtered


def _filtered(p: Tensor, keep: Tensor, order: Tensor) -> Tensor:
    kept = torch.zeros_like(p).scatter(0, order, keep.to(p.dtype)) * p
    return kept / kept.sum()


def _without_the_crossing(p: Tensor, top: float) -> Tensor:
    values, order = p.sort(descending=True)
    keep = values.cumsum(0) <= top
    keep[0] = True
    return _filtered(p, keep, order)


def _unscaled(p: Tensor, top: float) -> Tensor:
    values, order = p.sort(descending=True)
    return torch.zeros_like(p).scatter(0, order, (values.cumsum(0) - values < top).to(p.dtype)) * p


EXERCISE = Exercise(
    name="top_p",
    chapter=5,
    title={"en": "Top-p", "zh": "top-p 采样"},
    task={
        "en": "Keep the smallest set of most likely tokens whose probabilities add up to at least `top`, set the others to 0, "
        "and scale what is left to sum to 1.",
        "zh": "保留概率之和不小于 `top` 的最小一组最可能的词元，其余设为 0，再把剩下的概率缩放到和为 1。",
    },
    hints=(
        {"en": "Sort in falling order, then `cumsum`.", "zh": "先降序排序，再用 `cumsum`。"},
        {
            "en": "A token stays if what stands before it has not reached `top` yet: `cumsum - p < top`. "
            "`scatter` brings it back into the old order.",
            "zh": "如果排在某个词元前面的概率之和还没达到 `top`，就保留它：`cumsum - p < top`。用 `scatter` 还原原来的顺序。",
        },
    ),
    stub='''import torch

def top_p(p, top):
    """p: (vocab,) probabilities, top: between 0 and 1. Returns (vocab,) probabilities."""
    ...
''',
    answer="""import torch

def top_p(p, top):
    values, order = p.sort(descending=True)
    keep = values.cumsum(0) - values < top
    kept = torch.zeros_like(p).scatter(0, order, values * keep)
    return kept / kept.sum()
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=_without_the_crossing,
            hint={
                "en": "The token that crosses the limit belongs to the set: without it the sum stays below `top`.",
                "zh": "越过界限的那个词元也要保留：少了它，和就不足 `top`。",
            },
        ),
        Mistake(
            function=_unscaled,
            hint={"en": "What is left does not sum to 1 yet.", "zh": "剩下的概率还没有缩放到和为 1。"},
        ),
    ),
    gradient=False,
)
