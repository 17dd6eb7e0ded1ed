"""Scaled dot-product attention of one head, as in Vaswani et al. 2017, equation 1."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(1)
    shapes = [((1, 2), (3, 2), (3, 2)), ((4, 8), (6, 8), (6, 5)), ((64, 32), (64, 32), (64, 32))]
    return [tuple(torch.randn(*shape, generator=random) for shape in case) for case in shapes]


def _weights(scores: Tensor, v: Tensor) -> Tensor:
    return scores.softmax(-1) @ v


EXERCISE = Exercise(
    name="attention",
    chapter=6,
    title={"en": "Attention of one head", "zh": "单头注意力"},
    task={
        "en": "For each query, average the values, weighted by how well the query fits their keys: "
        "$\\operatorname{softmax}(Q K^\\top / \\sqrt{d_k})\\, V$. No mask.",
        "zh": "按每个查询与各个键的匹配程度，对值向量求加权和：$\\operatorname{softmax}(Q K^\\top / \\sqrt{d_k})\\, V$。不加掩码。",
    },
    hints=(
        {"en": "`q @ k.T` has a row for each query.", "zh": "`q @ k.T` 的每一行对应一个查询。"},
        {
            "en": "$d_k$ is the width of a key, `k.shape[-1]`; softmax runs over the keys.",
            "zh": "$d_k$ 是键向量的宽度，即 `k.shape[-1]`；softmax 沿键的方向计算。",
        },
    ),
    stub='''def attention(q, k, v):
    """q: (queries, d_k), k: (keys, d_k), v: (keys, d_v). Returns (queries, d_v)."""
    ...
''',
    answer="""def attention(q, k, v):
    scores = q @ k.T / k.shape[-1] ** 0.5
    return scores.softmax(dim=-1) @ v
""",
    reference=lambda q, k, v: F.scaled_dot_product_attention(q[None, None], k[None, None], v[None, None])[0, 0],
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda q, k, v: _weights(q @ k.T, v),
            hint={"en": "The division by $\\sqrt{d_k}$ is missing.", "zh": "缺少除以 $\\sqrt{d_k}$ 这一步。"},
        ),
        Mistake(
            function=lambda q, k, v: _weights(q @ k.T / k.shape[-1], v),
            hint={
                "en": "It divides by $d_k$; the square root is missing.",
                "zh": "除的是 $d_k$，应除以它的平方根。",
            },
        ),
        Mistake(
            function=lambda q, k, v: (q @ k.T / k.shape[-1] ** 0.5).softmax(0) @ v,
            hint={
                "en": "Softmax runs over the queries; each row, over the keys, should sum to 1.",
                "zh": "softmax 沿查询方向计算了；应当让每一行（沿键方向）之和为 1。",
            },
        ),
    ),
)
