"""One step of decoding with a key–value cache."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from llmlab.course.task import Exercise, Mistake


def cases() -> list[tuple[Any, ...]]:
    random = torch.Generator().manual_seed(10)
    return [
        tuple(torch.randn(*shape, generator=random) for shape in ((past, d), (past, d), (d,), (d,), (d,)))
        for past, d in ((1, 2), (6, 8), (200, 64))
    ]


def _reference(keys: Tensor, values: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    keys, values = torch.cat((keys, k[None])), torch.cat((values, v[None]))
    mixed = F.scaled_dot_product_attention(q[None, None, None], keys[None, None], values[None, None])
    return mixed[0, 0, 0], keys, values


def _old_only(keys: Tensor, values: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    mixed = (keys @ q / len(q) ** 0.5).softmax(0) @ values
    return mixed, torch.cat((keys, k[None])), torch.cat((values, v[None]))


def _in_front(keys: Tensor, values: Tensor, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    keys, values = torch.cat((k[None], keys)), torch.cat((v[None], values))
    return (keys @ q / len(q) ** 0.5).softmax(0) @ values, keys, values


EXERCISE = Exercise(
    name="kv_cache",
    chapter=6,
    title={"en": "A step with the key–value cache", "zh": "用 KV 缓存走一步"},
    task={
        "en": "One new token arrives with its query, key and value. Append key and value to the cache, let the query attend to "
        "everything in it, and return the weighted sum of the values, the new keys and the new values.",
        "zh": "来了一个新词元，带着它的查询、键和值。把键和值追加到缓存末尾，让查询对缓存中的全部词元做注意力，返回值的加权和与新的缓存。",
    },
    hints=(
        {
            "en": "`torch.cat((keys, k[None]))` adds a row at the end.",
            "zh": "`torch.cat((keys, k[None]))` 在末尾加一行。",
        },
        {
            "en": "The new token sees itself: append first, then attend. Divide by $\\sqrt{d}$.",
            "zh": "新词元能看到自己：先追加，再做注意力。别忘了除以 $\\sqrt{d}$。",
        },
    ),
    stub='''import torch

def kv_cache(keys, values, q, k, v):
    """keys, values: (past, d); q, k, v: (d,). Returns (mixed (d,), keys (past + 1, d), values (past + 1, d))."""
    ...
''',
    answer="""import torch

def kv_cache(keys, values, q, k, v):
    keys = torch.cat((keys, k[None]))
    values = torch.cat((values, v[None]))
    weights = (keys @ q / len(q) ** 0.5).softmax(dim=0)
    return weights @ values, keys, values
""",
    reference=_reference,
    cases=cases,
    mistakes=(
        Mistake(
            function=_old_only,
            hint={
                "en": "The query does not see its own token: append before attending.",
                "zh": "查询没有看到自己的词元：应先追加，再做注意力。",
            },
        ),
        Mistake(
            function=_in_front,
            hint={"en": "The new row belongs at the end of the cache.", "zh": "新的一行应放在缓存末尾。"},
        ),
    ),
)
