"""The forward pass of a GPT for reading alone: what `GPT.forward` computes, in memory that is taken once.

A forward pass that may be learned from keeps every intermediate result; one that is looked into keeps them for the eye.
Scoring needs none of them. Here results are overwritten in place, residual additions are part of the matrix products,
and queries and keys are normed and turned together, by tables into which the gains of their norms are multiplied.
Matrix products and attention are the same; of the passes over memory between them about half are left.
"""

from typing import TypeGuard

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from llmlab.models.gpt import GPT
from llmlab.models.plain import KNOWN, is_plain
from llmlab.nn.attention import Attention
from llmlab.nn.block import Block
from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU
from llmlab.nn.int8 import Int8Linear
from llmlab.nn.norms import RMSNorm

KNOWN_HERE = KNOWN - {nn.LayerNorm, GeluFeedForward, Int8Linear}


def can_read_in_place(model: nn.Module) -> TypeGuard[GPT]:
    """Whether `ForwardInPlace` computes what the model would: an unchanged `gpt` in float32 on the CPU."""
    on_cpu = all(p.device.type == "cpu" and p.dtype == torch.float32 for p in model.parameters())
    return isinstance(model, GPT) and on_cpu and is_plain(model, KNOWN_HERE)


class ForwardInPlace:
    """Gives the logits that `model(input_ids)` gives in eval mode."""

    def __init__(self, model: GPT, *, tokens: int) -> None:
        """`tokens` is the most that are read at once: batch times seq."""
        config = model.config
        self._model, self._config = model, config
        self._heads = config.n_heads + config.n_kv_heads  # of queries, then of keys
        self._normed = torch.empty(tokens, config.d_model)
        self._projected = torch.empty(tokens, (self._heads + config.n_kv_heads) * config.head_dim)  # [q, k, v]
        self._turned = torch.empty(tokens, self._heads * config.head_dim)
        self._gate, self._up = torch.empty(tokens, config.d_ff), torch.empty(tokens, config.d_ff)
        self._logits = torch.empty(tokens, config.vocab_size)
        assert model.rotary is not None
        cos, sin = model.rotary.cos, model.rotary.sin  # (context, head_dim / 2)
        self._straight, self._across = torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1)

    @torch.inference_mode()
    def __call__(self, input_ids: Int[Tensor, "batch seq"]) -> Float[Tensor, "batch seq vocab"]:
        """No longer than the context, no more than `tokens`. The next call overwrites the result."""
        model, rows = self._model, input_ids.numel()
        x = model.token_embedding(input_ids).view(rows, -1)  # the residual stream, (batch · seq, d_model)
        for block in model.blocks:
            assert isinstance(block, Block)
            assert isinstance(block.feed_forward, SwiGLU)
            mixed = self._attend(self._norm(x, block.attention_norm), block.attention, input_ids.shape)
            x.addmm_(mixed, block.attention.output.weight.t())
            normed = self._norm(x, block.feed_forward_norm)
            gate = torch.mm(normed, block.feed_forward.gate.weight.t(), out=self._gate[:rows])
            up = torch.mm(normed, block.feed_forward.up.weight.t(), out=self._up[:rows])
            x.addmm_(F.silu(gate, inplace=True).mul_(up), block.feed_forward.down.weight.t())
        normed = self._norm(x, model.final_norm)
        logits = torch.mm(normed, model.head.weight.t(), out=self._logits[:rows])
        return logits.view(*input_ids.shape, -1)

    def _norm(self, x: Tensor, norm: nn.Module) -> Tensor:
        assert isinstance(norm, RMSNorm)
        return torch.mul(x, _inverse_rms(x, norm.eps), out=self._normed[: len(x)]).mul_(norm.weight)

    def _attend(self, normed: Tensor, attention: Attention, shape: torch.Size) -> Tensor:
        """What the heads bring together, (batch · seq, heads · head_dim)."""
        batch, seq = shape
        size, n_heads, end = self._config.head_dim, self._config.n_heads, 0
        projected = self._projected[: len(normed)]
        for linear in (attention.query, attention.key, attention.value):
            start, end = end, end + linear.out_features
            torch.mm(normed, linear.weight.t(), out=projected[:, start:end])
        heads = projected.view(batch, seq, -1, size)
        qk, v = heads[:, :, : self._heads], heads[:, :, self._heads :].transpose(1, 2)
        if attention.query_norm is not None:
            qk.mul_(_inverse_rms(qk, attention.query_norm.eps))
        straight, across = self._table(attention, seq)
        turned = torch.mul(qk, straight, out=self._turned[: len(normed)].view(qk.shape))
        half = size // 2
        turned[..., :half].addcmul_(qk[..., half:], across[..., :half])
        turned[..., half:].addcmul_(qk[..., :half], across[..., half:])
        turned = turned.transpose(1, 2)  # (batch, heads, seq, size)
        mixed = F.scaled_dot_product_attention(
            turned[:, :n_heads],
            turned[:, n_heads:],
            v,
            is_causal=seq > 1,
            enable_gqa=self._config.n_kv_heads != n_heads,
        )
        return mixed.transpose(1, 2).reshape(len(normed), -1)

    def _table(self, attention: Attention, seq: int) -> tuple[Tensor, Tensor]:
        """What the two halves of each head are multiplied by where they stand and when they cross over: (first, second)
        · (cos, cos) + (second, first) · (−sin, sin), with the gains of QK-norm. (seq, heads or 1, head_dim) each.
        """
        straight, across = self._straight[:seq, None], self._across[:seq, None]
        if attention.query_norm is None or attention.key_norm is None:
            return straight, across
        counts = self._config.n_heads, self._config.n_kv_heads
        norms = zip((attention.query_norm, attention.key_norm), counts, strict=True)
        gains = torch.cat([norm.weight.expand(count, -1) for norm, count in norms])  # (heads, head_dim)
        return straight * gains, across * gains.roll(gains.shape[-1] // 2, -1)


def _inverse_rms(x: Tensor, eps: float) -> Tensor:
    """1 / √(mean(x²) + ε) over the last axis, which stays with length 1."""
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return length.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
