"""Root-mean-square normalisation (Zhang and Sennrich 2019)."""

from typing import Any

import torch
import torch.nn.functional as F

from llmlab.course.task import Exercise, Mistake

EPS = 1e-6


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(4)
    return [
        (2 * torch.randn(*s, generator=random) + 1, torch.randn(s[-1], generator=random))
        for s in [(4,), (3, 6), (4, 32, 64)]
    ]


EXERCISE = Exercise(
    name="rms_norm",
    chapter=6,
    title={"en": "RMSNorm", "zh": "RMSNorm"},
    task={
        "en": "Divide every vector by its root mean square and scale it: "
        "$\\frac{x}{\\sqrt{\\overline{x^2} + \\varepsilon}} \\odot g$, where the bar is the mean over the vector and "
        "$\\varepsilon = 10^{-6}$. "
        "Do not call `rms_norm`.",
        "zh": "把每个向量除以它的均方根，再逐元素缩放："
        "$\\frac{x}{\\sqrt{\\overline{x^2} + \\varepsilon}} \\odot g$，上划线表示对该向量取均值，$\\varepsilon = 10^{-6}$。"
        "不要调用 `rms_norm`。",
    },
    hints=(
        {"en": "Square, mean over the last dimension, square root.", "zh": "平方、沿最后一维取均值、开方。"},
        {"en": "`(x**2).mean(dim=-1, keepdim=True)`", "zh": "`(x**2).mean(dim=-1, keepdim=True)`"},
    ),
    stub='''def rms_norm(x, gain):
    """x: (..., d), gain: (d,). Returns (..., d)."""
    ...
''',
    answer="""def rms_norm(x, gain):
    return x / ((x**2).mean(dim=-1, keepdim=True) + 1e-6).sqrt() * gain
""",
    reference=lambda x, gain: F.rms_norm(x, (x.shape[-1],), gain, EPS),
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda x, gain: x / ((x**2).sum(-1, keepdim=True) + EPS).sqrt() * gain,
            hint={
                "en": "It divides by the length of the vector: the squares are summed, not averaged.",
                "zh": "除的是向量的长度：平方应取均值，而不是求和。",
            },
        ),
        Mistake(
            function=lambda x, gain: F.layer_norm(x, (x.shape[-1],), gain, None, EPS),
            hint={
                "en": "The mean is subtracted: that is layer norm. RMSNorm leaves it.",
                "zh": "减去了均值：那是层归一化。RMSNorm 不减均值。",
            },
        ),
    ),
)
