"""One step of Adam (Kingma and Ba 2015, algorithm 1)."""

from typing import Any

import torch
from torch import Tensor

from llmlab.course.task import Exercise, Mistake

LR, BETA1, BETA2, EPS = 0.1, 0.9, 0.999, 1e-8


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(7)
    found: list[tuple[Any, ...]] = []
    for n, t in ((2, 1), (5, 3), (4096, 100)):
        w, g, m = (torch.randn(n, generator=random) for _ in range(3))
        found.append((w, g, torch.zeros(n) if t == 1 else m, torch.zeros(n) if t == 1 else m**2 + 0.1, t))
    return found


def _reference(w: Tensor, g: Tensor, m: Tensor, v: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """torch's own step, from the state that the arguments give."""
    parameter = torch.nn.Parameter(w.detach().clone())
    adam = torch.optim.Adam([parameter], lr=LR, betas=(BETA1, BETA2), eps=EPS)
    adam.state[parameter] = {"step": torch.tensor(float(t - 1)), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    parameter.grad = g
    adam.step()
    state = adam.state[parameter]
    return parameter.detach(), state["exp_avg"], state["exp_avg_sq"]


def _step(w: Tensor, g: Tensor, m: Tensor, v: Tensor, scale_m: float, scale_v: float) -> tuple[Tensor, Tensor, Tensor]:
    m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
    return w - LR * (m / scale_m) / ((v / scale_v).sqrt() + EPS), m, v


EXERCISE = Exercise(
    name="adam_step",
    chapter=7,
    title={"en": "A step of Adam", "zh": "Adam 的一步"},
    task={
        "en": "Update both moments, correct them, and take the step: $m \\leftarrow \\beta_1 m + (1-\\beta_1) g$, $v \\leftarrow \\beta_2 v + (1-\\beta_2) g^2$, "
        "$\\hat m = m / (1-\\beta_1^t)$, $\\hat v = v / (1-\\beta_2^t)$, "
        "$w \\leftarrow w - \\eta\\, \\hat m / (\\sqrt{\\hat v} + \\varepsilon)$ with "
        "$\\eta = 0.1$, $\\beta_1 = 0.9$, $\\beta_2 = 0.999$, $\\varepsilon = 10^{-8}$. $t$ counts from 1.",
        "zh": "更新两个矩，做偏差修正，再走一步：$m \\leftarrow \\beta_1 m + (1-\\beta_1) g$，$v \\leftarrow \\beta_2 v + (1-\\beta_2) g^2$，"
        "$\\hat m = m / (1-\\beta_1^t)$，$\\hat v = v / (1-\\beta_2^t)$，"
        "$w \\leftarrow w - \\eta\\, \\hat m / (\\sqrt{\\hat v} + \\varepsilon)$，其中 "
        "$\\eta = 0.1$、$\\beta_1 = 0.9$、$\\beta_2 = 0.999$、$\\varepsilon = 10^{-8}$，$t$ 从 1 开始计。",
    },
    hints=(
        {"en": "The new m and v go into the correction.", "zh": "偏差修正用的是更新后的 m 和 v。"},
        {
            "en": "Return the uncorrected m and v: the corrected ones are for this step only.",
            "zh": "返回未修正的 m 和 v：修正后的值只用于这一步。",
        },
    ),
    stub='''def adam_step(w, g, m, v, t):
    """w, g, m, v: tensors of one shape, t: number of this step, from 1. Returns the new (w, m, v)."""
    ...
''',
    answer="""def adam_step(w, g, m, v, t):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    m_hat = m / (1 - 0.9**t)
    v_hat = v / (1 - 0.999**t)
    return w - 0.1 * m_hat / (v_hat.sqrt() + 1e-8), m, v
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda w, g, m, v, t: _step(w, g, m, v, 1.0, 1.0),
            hint={
                "en": "The bias correction is missing: m and v begin at zero and are too small at first.",
                "zh": "缺少偏差修正：m 和 v 从零开始，最初偏小。",
            },
        ),
        Mistake(
            function=lambda w, g, m, v, t: _step(w, g, m, v, 1 - BETA1 ** (t + 1), 1 - BETA2 ** (t + 1)),
            hint={"en": "t counts from 1, not from 0.", "zh": "t 从 1 开始计，而不是从 0。"},
        ),
    ),
    gradient=False,
)
