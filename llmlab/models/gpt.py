"""GPT: a stack of decoder layers that predicts the next token (Radford et al. 2019; in its modern dress Llama,
Touvron et al. 2023, and Qwen3, Yang et al. 2025).

`GPT(GPTConfig(style="gpt2", …))` and `GPT(GPTConfig(style="gpt", …))` differ only in the parts that are put in.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from llmlab.i18n import LearnerError
from llmlab.models.gpt_config import GPTConfig
from llmlab.nn.attention import Attention, causal_mask
from llmlab.nn.block import RESIDUAL, Block, norm_formula
from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU
from llmlab.nn.kv_cache import KVCache
from llmlab.nn.norms import RMSNorm
from llmlab.nn.positions import RotaryTable
from llmlab.nn.record import Record

__all__ = ["GPT", "GPTConfig", "GPTOutput"]


@dataclass
class GPTOutput:
    """What a forward pass returns. Logits are float32 at least, also under bfloat16."""

    logits: Float[Tensor, "batch seq vocab"]
    hidden: Float[Tensor, "batch seq d_model"]
    """What the head reads: the residual stream after the final norm."""


class GPT(nn.Module):
    """A decoder-only transformer of the shape that its config describes, freshly initialised."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        classic = config.style == "gpt2"
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model) if classic else None
        self.rotary = None if classic else RotaryTable(config.head_dim, config.context_length, theta=config.rope_theta)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_block(config) for _ in range(config.n_layers))
        self.final_norm = _norm(config)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.tie()
        self.initialise("normal" if classic else "zero")

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch past_and_seq"] | None = None,
        *,
        cache: KVCache | None = None,
        record: Record | None = None,
    ) -> GPTOutput:
        """Logits of the next token after each position.

        `attention_mask` is 1 for tokens, 0 for padding on either side; with a cache it covers the cached positions too.
        Positions count from the first column, padding included, as in transformers' forward.
        `cache`: `input_ids` continue what it holds, and are added to it.
        Raises LearnerError `model.too_long` when the positions run past `context_length`.
        """
        seq = input_ids.shape[1]
        start = cache.length if cache is not None else 0
        if start + seq > self.config.context_length:
            raise LearnerError("model.too_long", tokens=start + seq, context_length=self.config.context_length)
        if cache is not None:
            cache.check_room(seq)
        x = self._embed(input_ids, start, record)  # (batch, seq, d_model)
        mask = _mask(attention_mask, start, seq, x.device)
        rotation = self.rotary(start, seq, x.dtype) if self.rotary is not None else None
        for index, block in enumerate(self.blocks):
            x = block(
                x,
                rotation=rotation,
                mask=mask,
                cache=cache.layers[index] if cache is not None else None,
                record=record.within(f"layers.{index}") if record is not None else None,
            )
        hidden = self.final_norm(x)
        logits = self.head(hidden)  # (batch, seq, vocab)
        if logits.dtype in (torch.bfloat16, torch.float16):
            logits = logits.float()
        if record is not None:
            record("final_norm", hidden, RESIDUAL, norm_formula(self.final_norm))
            embedding = r"W_E^\top" if self.config.tie_embeddings else r"W_U"
            record("logits", logits, "batch seq vocab", rf"z = \operatorname{{norm}}(x)\, {embedding}")
        return GPTOutput(logits=logits, hidden=hidden)

    def _embed(self, input_ids: Tensor, start: int, record: Record | None) -> Tensor:
        x: Tensor = self.token_embedding(input_ids)
        if record is not None:
            record("token_embedding", x, RESIDUAL, r"W_E[\mathrm{token}_t]")
        if self.position_embedding is not None:
            positions = torch.arange(start, start + input_ids.shape[1], device=input_ids.device)
            p: Tensor = self.position_embedding(positions)[None]  # (1, seq, d_model)
            if record is not None:
                record("position_embedding", p, "1 seq d_model", r"W_P[t]")
            x = x + p
        x = self.dropout(x)
        if record is not None:
            formula = r"W_E[\mathrm{token}_t]" + (r" + W_P[t]" if self.position_embedding is not None else "")
            record("embedding", x, RESIDUAL, formula)
        return x

    def read_out(self, x: Float[Tensor, "batch seq d_model"]) -> Float[Tensor, "batch seq vocab"]:
        """The logits that the head reads from a residual stream, that after the last layer or another."""
        logits: Tensor = self.head(self.final_norm(x))
        return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits

    def new_cache(self, batch_size: int = 1, max_length: int | None = None) -> KVCache:
        """An empty key–value cache for this model, in its dtype and on its device; by default a whole context long."""
        weight = self.token_embedding.weight
        return KVCache(
            self.config.n_layers,
            batch_size,
            self.config.n_kv_heads,
            min(max_length or self.config.context_length, self.config.context_length),
            self.config.head_dim,
            weight.dtype,
            weight.device,
        )

    def parameter_count(self) -> int:
        """How many numbers are learned; a tied embedding counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def tied(self) -> dict[str, str]:
        """Tensors that are another one under a second name."""
        return {"head.weight": "token_embedding.weight"} if self.config.tie_embeddings else {}

    def tie(self) -> None:
        """Make those one again, after weights were put in."""
        if self.config.tie_embeddings:
            self.head.weight = self.token_embedding.weight

    @torch.no_grad()
    def initialise(self, start: Literal["zero", "normal"]) -> None:
        """Draw all weights anew. A fresh `gpt2` starts `normal`, a fresh `gpt` at `zero`.

        `normal`: normal(0, 0.02) as GPT-2, and smaller by 1/√(2·layers) where a layer writes to the residual stream.

        `zero`: matrices keep the size of what they multiply, normal(0, 1/√inputs), and those that write to the residual
        stream start at zero, so that each layer begins as the identity. With AdamW this learns far faster than 0.02.
        """
        small = start == "normal"
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(std=0.02 if small else module.in_features**-0.5)
                if module.bias is not None:
                    module.bias.zero_()
        for embedding in (self.token_embedding, self.position_embedding, self.head):
            if embedding is not None:
                embedding.weight.normal_(std=0.02)
        scaled = 0.02 / math.sqrt(2 * self.config.n_layers) if small else 0.0
        for block in self.blocks:
            assert isinstance(block, Block)
            block.attention.output.weight.normal_(std=scaled)
            block.feed_forward.down.weight.normal_(std=scaled)


def _norm(config: GPTConfig) -> RMSNorm | nn.LayerNorm:
    if config.style == "gpt2":
        return nn.LayerNorm(config.d_model, eps=config.norm_eps, bias=config.bias)
    return RMSNorm(config.d_model, eps=config.norm_eps)


def _block(config: GPTConfig) -> Block:
    if config.style == "gpt2":
        feed_forward: GeluFeedForward | SwiGLU = GeluFeedForward(config.d_model, config.d_ff, bias=config.bias)
    else:
        feed_forward = SwiGLU(config.d_model, config.d_ff)
    attention = Attention(
        config.d_model,
        n_heads=config.n_heads,
        n_kv_heads=config.n_kv_heads,
        head_dim=config.head_dim,
        bias=config.bias,
        qk_norm_eps=config.norm_eps if config.qk_norm else None,
        dropout=config.dropout,
    )
    return Block(
        attention_norm=_norm(config),
        attention=attention,
        feed_forward_norm=_norm(config),
        feed_forward=feed_forward,
        dropout=config.dropout,
    )


def _mask(attention_mask: Tensor | None, start: int, seq: int, device: torch.device) -> Tensor | None:
    """Where each query may look, (batch or 1, 1, seq, start + seq); None where plain causal attention says it all."""
    if attention_mask is None:
        return causal_mask(seq, start + seq, device) if start and seq > 1 else None
    return causal_mask(seq, start + seq, device) & attention_mask[:, None, None, :].bool()
