"""Rotary position embedding (Su et al. 2021), halves laid out as in Llama and Qwen3."""

from typing import Any

import torch
from torch import Tensor

from llmlab.course.task import Exercise, Mistake
from llmlab.nn.positions import RotaryTable, rotate

THETA = 10_000.0


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(5)
    return [(torch.randn(*shape, generator=random),) for shape in [(2, 4), (5, 8), (64, 32)]]


def _reference(x: Tensor) -> Tensor:
    seq, width = x.shape
    table = RotaryTable(width, seq, theta=THETA)
    turned: Tensor = rotate(x[None, None], *table(0, seq, x.dtype))[0, 0]
    return turned


def _angles(x: Tensor) -> Tensor:
    seq, width = x.shape
    return torch.outer(torch.arange(seq).float(), THETA ** (-torch.arange(0, width, 2) / width))


def _interleaved(x: Tensor) -> Tensor:
    cos, sin = _angles(x).cos(), _angles(x).sin()
    even, odd = x[:, 0::2], x[:, 1::2]
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(1)


def _backwards(x: Tensor) -> Tensor:
    cos, sin = _angles(x).cos(), _angles(x).sin()
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos + second * sin, second * cos - first * sin), dim=-1)


EXERCISE = Exercise(
    name="rope",
    chapter=6,
    title={"en": "Rotary positions", "zh": "旋转位置编码"},
    task={
        "en": "Rotate the vector at position $t$: number $i$ of its first half, $a$, and number $i$ of its second half, $b$, "
        "are a point in a plane, to be rotated by the angle $\\varphi = t\\,\\theta^{-2i/d}$ with $\\theta = 10\\,000$: "
        "it becomes $(a \\cos\\varphi - b \\sin\\varphi,\\; b \\cos\\varphi + a \\sin\\varphi)$. "
        "$i$ and $t$ count from 0.",
        "zh": "对位置 $t$ 处的向量做旋转：前一半的第 $i$ 个数 $a$ 与后一半的第 $i$ 个数 $b$ 组成平面上的一个点，"
        "旋转角度 $\\varphi = t\\,\\theta^{-2i/d}$，$\\theta = 10\\,000$，旋转后为 "
        "$(a \\cos\\varphi - b \\sin\\varphi,\\; b \\cos\\varphi + a \\sin\\varphi)$。$i$ 和 $t$ 都从 0 数起。",
    },
    hints=(
        {
            "en": "`torch.outer(positions, frequencies)` gives all angles, (seq, d/2).",
            "zh": "`torch.outer(positions, frequencies)` 一次给出所有角度，形状为 (seq, d/2)。",
        },
        {
            "en": "Frequencies: `10000 ** (-torch.arange(0, d, 2) / d)`; halves: `x.chunk(2, dim=-1)`.",
            "zh": "频率：`10000 ** (-torch.arange(0, d, 2) / d)`；两半：`x.chunk(2, dim=-1)`。",
        },
    ),
    stub='''import torch

def rope(x):
    """x: (seq, d), d even; row t stands at position t. Returns (seq, d)."""
    ...
''',
    answer="""import torch

def rope(x):
    seq, d = x.shape
    frequencies = 10000.0 ** (-torch.arange(0, d, 2) / d)
    angles = torch.outer(torch.arange(seq).float(), frequencies)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), dim=-1)
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=_interleaved,
            hint={
                "en": "It pairs neighbours (0 with 1, 2 with 3), as the paper does; here number i of the first half goes with "
                "number i of the second.",
                "zh": "你把相邻的两个数配成一对（0 与 1、2 与 3），论文如此；这里要求前一半的第 i 个与后一半的第 i 个配对。",
            },
        ),
        Mistake(
            function=_backwards,
            hint={
                "en": "It rotates the other way: the signs of the sines are swapped.",
                "zh": "旋转方向反了：正弦项的符号应对调。",
            },
        ),
    ),
    tolerance=1e-4,
)
