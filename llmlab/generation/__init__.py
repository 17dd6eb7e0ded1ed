"""Decoding: KV cache, sampling, streaming. Names are loaded when first used, so that importing the room is light."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmlab.generation.config import SamplingConfig
    from llmlab.generation.decoding import Generated, Step, generate, stream
    from llmlab.generation.distribution import Distribution, next_distribution
    from llmlab.generation.filling import Filled, fill
    from llmlab.generation.sampling import filter_logits

__all__ = [
    "Distribution",
    "Filled",
    "Generated",
    "SamplingConfig",
    "Step",
    "fill",
    "filter_logits",
    "generate",
    "next_distribution",
    "stream",
]

_HOME = {
    "SamplingConfig": "config",
    "Distribution": "distribution",
    "next_distribution": "distribution",
    "Filled": "filling",
    "fill": "filling",
    "filter_logits": "sampling",
    "Generated": "decoding",
    "Step": "decoding",
    "generate": "decoding",
    "stream": "decoding",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
