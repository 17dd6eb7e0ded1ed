"""BERT: an encoder that reads a text from both sides at once (Devlin et al. 2019, "BERT: Pre-training of Deep
Bidirectional Transformers for Language Understanding").

Two heads learn from plain text: one names the tokens that were masked, one says whether the second of two sentences
follows the first. A checkpoint may come without them (`BertConfig(mlm_head=False, nsp_head=False)`).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from llmlab.i18n import LearnerError
from llmlab.models.bert_config import BertConfig
from llmlab.nn.attention import Attention
from llmlab.nn.block import RESIDUAL, PostNormBlock, norm_formula
from llmlab.nn.feed_forward import GeluFeedForward
from llmlab.nn.record import Record

__all__ = ["Bert", "BertConfig", "BertOutput"]


@dataclass
class BertOutput:
    """What a forward pass returns. Logits are float32 at least, also under bfloat16."""

    logits: Float[Tensor, "*positions vocab"] | None
    """Which token stands, or stood, at each position; None without the head for masked tokens."""
    hidden: Float[Tensor, "batch seq d_model"]
    """What the heads read: the residual stream after the last layer."""
    pooled: Float[Tensor, "batch d_model"] | None
    """One vector for the whole, from the first token; None without a pooler."""
    nsp_logits: Float[Tensor, "batch 2"] | None
    """0: the second segment follows the first; 1: it comes from elsewhere. None without the head for it."""


class Bert(nn.Module):
    """An encoder of the shape that its config describes, freshly initialised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.context_length, config.d_model)
        self.segment_embedding = nn.Embedding(config.n_segments, config.d_model)
        self.embedding_norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_block(config) for _ in range(config.n_layers))
        self.pooler = nn.Linear(config.d_model, config.d_model) if config.pooler else None
        self.mlm_head = MaskedTokenHead(config) if config.mlm_head else None
        self.nsp_head = nn.Linear(config.d_model, 2) if config.nsp_head else None
        self.tie()
        self._initialise()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch seq"] | None = None,
        *,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        only: Bool[Tensor, "batch seq"] | None = None,
        record: Record | None = None,
    ) -> BertOutput:
        """What each position, having seen all others, says of its token, and what the first says of the whole.

        `attention_mask` is 1 for tokens, 0 for padding. `token_type_ids` number the segments; all 0 by default.
        `only`: logits of these positions alone, (chosen, vocab), which is all that training needs.
        Raises LearnerError `model.too_long` for more positions than `context_length`.
        """
        seq = input_ids.shape[1]
        if seq > self.config.context_length:
            raise LearnerError("model.too_long", tokens=seq, context_length=self.config.context_length)
        mask = attention_mask[:, None, None, :].bool() if attention_mask is not None else None  # (batch, 1, 1, keys)
        x = self._embed(input_ids, token_type_ids, record)  # (batch, seq, d_model)
        for index, block in enumerate(self.blocks):
            x = block(x, mask=mask, record=record.within(f"layers.{index}") if record is not None else None)
        pooled = torch.tanh(self.pooler(x[:, 0])) if self.pooler is not None else None
        nsp_logits = self.nsp_head(pooled) if self.nsp_head is not None else None
        if record is not None and pooled is not None:
            record("pooled", pooled, "batch d_model", r"p = \tanh(x_0 W_p + b_p)")
        if record is not None and nsp_logits is not None:
            record("nsp_logits", nsp_logits, "batch 2", r"p\, W_n + b_n")
        logits = self.read_out(x if only is None else x[only], record=record)
        return BertOutput(logits, x, pooled, _wide(nsp_logits))

    def _embed(self, input_ids: Tensor, token_type_ids: Tensor | None, record: Record | None) -> Tensor:
        token: Tensor = self.token_embedding(input_ids)
        position: Tensor = self.position_embedding.weight[None, : input_ids.shape[1]]  # (1, seq, d_model)
        segment: Tensor = self.segment_embedding(
            token_type_ids if token_type_ids is not None else torch.zeros_like(input_ids)
        )
        added = token + segment + position
        x: Tensor = self.dropout(self.embedding_norm(added))
        if record is not None:
            record("token_embedding", token, RESIDUAL, r"W_E[\mathrm{token}_t]")
            record("position_embedding", position, "1 seq d_model", r"W_P[t]")
            record("segment_embedding", segment, RESIDUAL, r"W_S[\mathrm{segment}_t]")
            record("added_embedding", added, RESIDUAL, r"e = W_E[\mathrm{token}_t] + W_S[\mathrm{segment}_t] + W_P[t]")
            record("embedding", x, RESIDUAL, norm_formula(self.embedding_norm, "e"))
        return x

    def read_out(
        self, x: Float[Tensor, "*positions d_model"], *, record: Record | None = None
    ) -> Float[Tensor, "*positions vocab"] | None:
        """The logits that the head for masked tokens reads from a residual stream, after the last layer or another."""
        return _wide(self.mlm_head(x, record=record)) if self.mlm_head is not None else None

    def parameter_count(self) -> int:
        """How many numbers are learned; the output matrix, which is the token embedding, counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def tied(self) -> dict[str, str]:
        """Tensors that are another one under a second name."""
        return {"mlm_head.decoder.weight": "token_embedding.weight"} if self.mlm_head is not None else {}

    def tie(self) -> None:
        """Make those one again, after weights were put in."""
        if self.mlm_head is not None:
            self.mlm_head.decoder.weight = self.token_embedding.weight

    @torch.no_grad()
    def _initialise(self) -> None:
        """Matrices keep the size of what they multiply, normal(0, 1/√inputs), those that write to the residual stream
        start at zero, and embeddings at normal(0, 0.02), from which the authors drew everything.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(std=module.in_features**-0.5)
                module.bias.zero_()
        for block in self.blocks:
            assert isinstance(block, PostNormBlock)
            block.attention.output.weight.zero_()
            block.feed_forward.down.weight.zero_()
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                module.weight.normal_(std=0.02)  # after the linear layers: the head's is the token embedding


class MaskedTokenHead(nn.Module):
    """From the residual stream to logits: one more layer, then the token embedding the other way round."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.d_model, config.d_model)
        self.norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.decoder = nn.Linear(config.d_model, config.vocab_size)

    def forward(
        self, x: Float[Tensor, "*positions d_model"], *, record: Record | None = None
    ) -> Float[Tensor, "*positions vocab"]:
        """Every position for itself."""
        hidden = self.dense(x)
        activation = F.gelu(hidden)
        normed = self.norm(activation)
        logits: Tensor = self.decoder(normed)
        if record is not None:
            inside = record.within("mlm_head")
            inside("hidden", hidden, RESIDUAL, r"h = x W_m + b_m")
            inside("activation", activation, RESIDUAL, r"u = \operatorname{GELU}(h)")
            inside("normed", normed, RESIDUAL, norm_formula(self.norm, "u"))
            record("logits", logits, "batch seq vocab", r"z = \operatorname{norm}(u)\, W_E^\top + b")
        return logits


def _block(config: BertConfig) -> PostNormBlock:
    return PostNormBlock(
        attention=Attention(
            config.d_model,
            n_heads=config.n_heads,
            n_kv_heads=config.n_heads,
            head_dim=config.head_dim,
            causal=False,
            bias=True,
            dropout=config.dropout,
        ),
        attention_norm=nn.LayerNorm(config.d_model, eps=config.norm_eps),
        feed_forward=GeluFeedForward(config.d_model, config.d_ff, approximate="none"),
        feed_forward_norm=nn.LayerNorm(config.d_model, eps=config.norm_eps),
        dropout=config.dropout,
    )


def _wide(logits: Tensor | None) -> Tensor | None:
    return logits.float() if logits is not None and logits.dtype in (torch.bfloat16, torch.float16) else logits
