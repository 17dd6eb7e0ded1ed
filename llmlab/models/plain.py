"""Whether a model still is what it was built as. Faster ways to compute what it computes ask this first."""

from collections.abc import Container

from torch import nn

from llmlab.models.gpt import GPT
from llmlab.nn.attention import Attention
from llmlab.nn.block import Block
from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU
from llmlab.nn.int8 import Int8Linear
from llmlab.nn.norms import RMSNorm
from llmlab.nn.positions import RotaryTable

KNOWN = {GPT, Block, Attention, GeluFeedForward, SwiGLU, RMSNorm, RotaryTable, Int8Linear} | {
    nn.Linear,
    nn.LayerNorm,
    nn.Embedding,
    nn.Dropout,
    nn.ModuleList,
}


def is_plain(model: nn.Module, known: Container[type] = KNOWN) -> bool:
    """Whether the model is made of the parts that it was built with, none exchanged and none with a hook."""
    return all(
        type(module) in known and not module._forward_hooks and not module._forward_pre_hooks
        for module in model.modules()
    )
