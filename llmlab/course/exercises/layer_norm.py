"""Layer normalisation (Ba, Kiros and Hinton 2016)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from llmlab.course.task import Exercise, Mistake

EPS = 1e-5


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(3)
    shapes = [(4,), (3, 6), (4, 32, 64)]
    return [
        (2 * torch.randn(*s, generator=random) + 1, torch.randn(s[-1], generator=random), torch.ones(s[-1]))
        for s in shapes
    ]


def _norm(x: Tensor, gain: Tensor, bias: Tensor, *, unbiased: bool) -> Tensor:
    variance = x.var(-1, keepdim=True, unbiased=unbiased)
    return (x - x.mean(-1, keepdim=True)) / (variance + EPS).sqrt() * gain + bias


EXERCISE = Exercise(
    name="layer_norm",
    chapter=6,
    title={"en": "Layer norm", "zh": "层归一化"},
    task={
        "en": "Give every vector mean 0 and variance 1, then scale and shift it: "
        "$\\frac{x - \\bar x}{\\sqrt{\\operatorname{Var} x + \\varepsilon}} \\odot g + b$ with $\\varepsilon = 10^{-5}$. "
        "Do not call `layer_norm`.",
        "zh": "让每个向量的均值为 0、方差为 1，再缩放并平移："
        "$\\frac{x - \\bar x}{\\sqrt{\\operatorname{Var} x + \\varepsilon}} \\odot g + b$，其中 $\\varepsilon = 10^{-5}$。"
        "不要调用 `layer_norm`。",
    },
    hints=(
        {
            "en": "Mean and variance run over the last dimension, with `keepdim=True`.",
            "zh": "均值和方差沿最后一维计算，并加上 `keepdim=True`。",
        },
        {
            "en": "The variance divides by n, not by n − 1: `x.var(-1, keepdim=True, unbiased=False)`.",
            "zh": "方差除以 n，而不是 n − 1：`x.var(-1, keepdim=True, unbiased=False)`。",
        },
    ),
    stub='''def layer_norm(x, gain, bias):
    """x: (..., d), gain and bias: (d,). Returns (..., d)."""
    ...
''',
    answer="""def layer_norm(x, gain, bias):
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred**2).mean(dim=-1, keepdim=True)
    return centred / (variance + 1e-5).sqrt() * gain + bias
""",
    reference=lambda x, gain, bias: F.layer_norm(x, (x.shape[-1],), gain, bias, EPS),
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda x, gain, bias: _norm(x, gain, bias, unbiased=True),
            hint={
                "en": "The variance divides by n − 1; layer norm divides by n (`unbiased=False`).",
                "zh": "方差除以了 n − 1；层归一化应除以 n（`unbiased=False`）。",
            },
        ),
        Mistake(
            function=lambda x, gain, bias: x / ((x**2).mean(-1, keepdim=True) + EPS).sqrt() * gain + bias,
            hint={
                "en": "The mean is not subtracted: that is RMSNorm.",
                "zh": "没有减去均值：这是 RMSNorm。",
            },
        ),
    ),
)
