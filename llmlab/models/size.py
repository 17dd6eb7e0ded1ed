"""What a model costs before it is built: parameters, memory, arithmetic. Formulas only, no torch, so that the app can
show them while a slider moves.
"""

from dataclasses import dataclass, replace
from typing import Literal

from llmlab.models.bert_config import BertConfig
from llmlab.models.config import ModelConfig
from llmlab.models.gpt_config import GPTConfig

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Parameters:
    """Learned numbers by place; a tied head counts nothing."""

    embeddings: int
    attention: int
    feed_forward: int
    norms: int
    head: int

    @property
    def total(self) -> int:
        return self.embeddings + self.attention + self.feed_forward + self.norms + self.head


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes while training, by what they hold."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    """An estimate: what the backward pass needs of the forward pass, the logits included."""

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations


def parameters(config: ModelConfig) -> Parameters:
    """Exactly the numbers that a model of this config learns."""
    return _of_bert(config) if isinstance(config, BertConfig) else _of_gpt(config)


def _of_bert(config: BertConfig) -> Parameters:
    d, vocab = config.d_model, config.vocab_size
    mlm = d * d + 3 * d + vocab if config.mlm_head else 0  # a layer, its norm, and a bias for each token
    nsp = 2 * d + 2 if config.nsp_head else 0
    return Parameters(
        embeddings=(vocab + config.context_length + config.n_segments) * d,
        attention=config.n_layers * 4 * (d * d + d),
        feed_forward=config.n_layers * (2 * d * config.d_ff + config.d_ff + d),
        norms=config.n_layers * 4 * d + 2 * d,
        head=mlm + nsp + (d * d + d if config.pooler else 0),
    )


def _of_gpt(config: GPTConfig) -> Parameters:
    d, heads = config.d_model, config.n_heads * config.head_dim
    kv_heads = config.n_kv_heads * config.head_dim
    attention = d * (heads + 2 * kv_heads) + heads * d
    feed_forward = (2 if config.style == "gpt2" else 3) * d * config.d_ff
    norms_per_layer = 2 * d
    if config.bias:
        attention += heads + 2 * kv_heads + d
        feed_forward += config.d_ff + d
        norms_per_layer *= 2
    if config.qk_norm:
        norms_per_layer += 2 * config.head_dim
    positions = config.context_length * d if config.style == "gpt2" else 0
    return Parameters(
        embeddings=config.vocab_size * d + positions,
        attention=config.n_layers * attention,
        feed_forward=config.n_layers * feed_forward,
        norms=config.n_layers * norms_per_layer + (2 if config.bias else 1) * d,
        head=0 if config.tie_embeddings else config.vocab_size * d,
    )


def parameter_count(config: ModelConfig) -> int:
    """How many numbers the model learns in all."""
    return parameters(config).total


def training_memory(
    config: ModelConfig,
    *,
    batch_size: int,
    context_length: int | None = None,
    optimizer: Literal["adamw", "muon"] = "adamw",
    precision: Precision = "float32",
) -> TrainingMemory:
    """Bytes that training takes at its peak, for one batch of `batch_size` sequences (accumulated batches add nothing).

    Weights, gradients and the optimizer's moments are float32; under bfloat16 autocast most activations take half.
    """
    count = parameter_count(config)
    matrices = parameters(config).attention + parameters(config).feed_forward
    moments = 2 * count if optimizer == "adamw" else 2 * count - matrices  # Muon keeps one number for each of a matrix
    tokens = batch_size * (context_length or config.context_length)
    width = 2 if precision == "bfloat16" else 4
    weight_copies = 2 * matrices if precision == "bfloat16" else 0
    logits = tokens * config.vocab_size * 4 * 3  # themselves, their log-softmax, and its gradient
    return TrainingMemory(
        weights=4 * count,
        gradients=4 * count,
        optimizer=4 * moments,
        activations=tokens * _kept_per_token(config) * width + logits + weight_copies,
    )


def _kept_per_token(config: ModelConfig) -> int:
    """How many numbers of one token the backward pass reads, in all layers together."""
    d, heads = config.d_model, config.n_heads * config.head_dim
    kv_heads = config.n_kv_heads * config.head_dim
    if config.style != "gpt":
        attention, feed_forward = 2 * heads + 2 * kv_heads, 2 * config.d_ff
    else:
        attention, feed_forward = 3 * heads + 2 * kv_heads, 4 * config.d_ff
    if isinstance(config, GPTConfig) and config.qk_norm:
        attention += heads + kv_heads
    per_norm = 2 * d
    dropout = 2 * d if config.dropout else 0
    return config.n_layers * (2 * per_norm + attention + feed_forward + dropout) + per_norm


def kv_cache_bytes(
    config: GPTConfig, *, batch_size: int = 1, length: int | None = None, precision: Precision = "float32"
) -> int:
    """Bytes of the key–value cache for `length` positions (by default the context)."""
    numbers = 2 * config.n_layers * config.n_kv_heads * config.head_dim * (length or config.context_length)
    return batch_size * numbers * (2 if precision == "bfloat16" else 4)


def flops_per_token(config: ModelConfig, *, context_length: int | None = None, training: bool = True) -> int:
    """Multiplications and additions for one token of a full window, matrices only (Kaplan et al. 2020, §2.1).

    2 for each weight that is multiplied with, and 4·heads·head_dim for each position attended to, half the window on
    average (all of it by a BERT); training costs three times a forward pass.
    """
    window = context_length or config.context_length
    if isinstance(config, BertConfig):
        sizes, attended = parameters(config), float(window)
    else:
        sizes, attended = parameters(replace(config, bias=False)), window / 2
    multiplied = sizes.attention + sizes.feed_forward + config.vocab_size * config.d_model
    forward = 2 * multiplied + int(4 * config.n_layers * config.n_heads * config.head_dim * attended)
    return 3 * forward if training else forward
