"""Cross-entropy: how surprised a model is by what really came."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(6)
    return [
        (torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([2])),
        (torch.tensor([[1000.0, 0.0], [0.0, 1000.0]]), torch.tensor([0, 0])),
        (torch.randn(256, 65, generator=random), torch.randint(0, 65, (256,), generator=random)),
    ]


def _picked(logits: Tensor, targets: Tensor) -> Tensor:
    return -logits.log_softmax(-1)[torch.arange(len(targets)), targets]


EXERCISE = Exercise(
    name="cross_entropy",
    chapter=2,
    title={"en": "Cross-entropy", "zh": "交叉熵"},
    task={
        "en": "The mean over all positions of $-\\log p(\\text{target})$, in nats, from the logits. Large logits must work. "
        "Do not call `cross_entropy` or `nll_loss`.",
        "zh": "由 logits 计算所有位置上 $-\\log p(\\text{目标})$ 的平均值，单位为 nat。logits 很大时也要正确。"
        "不要调用 `cross_entropy` 或 `nll_loss`。",
    },
    hints=(
        {
            "en": "`log_softmax` is softmax and logarithm in one, without overflow.",
            "zh": "`log_softmax` 把 softmax 和取对数合为一步，不会溢出。",
        },
        {
            "en": "`log_p[torch.arange(n), targets]` picks one number from each row.",
            "zh": "`log_p[torch.arange(n), targets]` 从每一行取出一个数。",
        },
    ),
    stub='''import torch

def cross_entropy(logits, targets):
    """logits: (n, vocab), targets: (n,) token ids. Returns one number."""
    ...
''',
    answer="""import torch

def cross_entropy(logits, targets):
    log_p = logits.log_softmax(dim=-1)
    return -log_p[torch.arange(len(targets)), targets].mean()
""",
    reference=F.cross_entropy,
    cases=cases,
    mistakes=(
        Mistake(
            function=lambda logits, targets: _picked(logits, targets).sum(),
            hint={"en": "It sums over the positions; take the mean.", "zh": "对各位置求了和，应取平均。"},
        ),
        Mistake(
            function=lambda logits, targets: -_picked(logits, targets).mean(),
            hint={"en": "The sign: a loss is −log p, never negative.", "zh": "符号反了：损失是 −log p，不会是负数。"},
        ),
        Mistake(
            function=lambda logits, targets: _picked(logits, targets).mean() / torch.log(torch.tensor(2.0)),
            hint={
                "en": "That is in bits; in nats the logarithm is natural.",
                "zh": "这是以比特为单位；以 nat 为单位应取自然对数。",
            },
        ),
        Mistake(
            function=lambda logits, targets: -logits.softmax(-1).log()[torch.arange(len(targets)), targets].mean(),
            hint={
                "en": "The logarithm of a probability that was rounded to 0 is −∞: use `log_softmax`.",
                "zh": "概率被舍入成 0 之后再取对数就是 −∞：请用 `log_softmax`。",
            },
        ),
    ),
)
