"""The backward pass of a linear layer, by hand."""

from typing import Any

import torch
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(8)
    return [
        tuple(torch.randn(*shape, generator=random) for shape in ((n, d_in), (d_in, d_out), (n, d_out)))
        for n, d_in, d_out in ((1, 2, 3), (4, 3, 5), (256, 64, 32))
    ]


def _reference(x: Tensor, w: Tensor, dy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    with torch.enable_grad():
        x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
        b = torch.zeros(w.shape[1], requires_grad=True)
        dx, dw, db = torch.autograd.grad(x @ w + b, (x, w, b), dy)
    return dx, dw, db


EXERCISE = Exercise(
    name="linear_backward",
    chapter=7,
    title={"en": "Backward through a linear layer", "zh": "线性层的反向传播"},
    task={
        "en": "$Y = XW + b$. Given $\\partial L / \\partial Y$, return $\\partial L / \\partial X$, $\\partial L / \\partial W$ "
        "and $\\partial L / \\partial b$, without autograd.",
        "zh": "$Y = XW + b$。已知 $\\partial L / \\partial Y$，求 $\\partial L / \\partial X$、$\\partial L / \\partial W$ 和 "
        "$\\partial L / \\partial b$，不用自动求导。",
    },
    hints=(
        {
            "en": "The shapes decide: $\\partial L/\\partial X$ has the shape of $X$.",
            "zh": "看形状就知道答案：$\\partial L/\\partial X$ 与 $X$ 形状相同。",
        },
        {
            "en": "$\\partial L/\\partial W = X^\\top\\, \\partial L/\\partial Y$; the bias is added to every row.",
            "zh": "$\\partial L/\\partial W = X^\\top\\, \\partial L/\\partial Y$；偏置加在了每一行上。",
        },
    ),
    stub='''def linear_backward(x, w, dy):
    """x: (n, d_in), w: (d_in, d_out), dy: (n, d_out). Returns (dx, dw, db)."""
    ...
''',
    answer="""def linear_backward(x, w, dy):
    return dy @ w.T, x.T @ dy, dy.sum(dim=0)
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda x, w, dy: (dy @ w.T, x.T @ dy, dy.mean(0)),
            hint={
                "en": "The bias gets the sum over the rows, not their mean.",
                "zh": "偏置的梯度是各行之和，而不是平均。",
            },
        ),
        Mistake(
            function=lambda x, w, dy: (dy @ w.T, x.T @ dy / len(x), dy.sum(0)),
            hint={
                "en": "The weights' gradient is divided by n; the mean belongs to the loss, not here.",
                "zh": "权重的梯度除以了 n；取平均是损失函数的事，不该在这里做。",
            },
        ),
    ),
    gradient=False,
)
