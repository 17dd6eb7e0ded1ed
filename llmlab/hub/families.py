"""How each family's weights and settings are called in transformers: tables only, read in both directions.

A line of `tensors` says "ours, theirs": `{layer}` stands for every layer's number. A line of `settings` says
"field of GPTConfig, key of config.json, value when the key is missing".
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Weight:
    """One tensor of ours and where it is found in theirs."""

    ours: str
    theirs: str
    transposed: bool = False
    """GPT-2 keeps its linear layers as (inputs, outputs), torch as (outputs, inputs)."""
    part: tuple[int, int] | None = None
    """(i, n): the i-th of n equal parts of a fused tensor's outputs."""


@dataclass(frozen=True)
class Setting:
    field: str
    key: str
    default: Any


@dataclass(frozen=True)
class Family:
    """Everything that tells one family from another."""

    model_type: str
    architecture: str
    prefix: str
    """What stands before the names of the base model; published checkpoints without a head leave it out."""
    tensors: tuple[Weight, ...]
    settings: tuple[Setting, ...]
    supported: dict[str, tuple[Any, ...]]
    """Keys whose other values change the computation in a way we do not have; the first value is the default."""
    written: dict[str, Any]
    """Keys that config.json needs beside the settings."""
    ignored: tuple[str, ...]
    """Ends of names that are buffers, not weights."""
    gpt_style: str
    qk_norm: bool


def _gpt2_linear(ours: str, theirs: str, part: tuple[int, int] | None = None) -> tuple[Weight, Weight]:
    return Weight(f"{ours}.weight", f"{theirs}.weight", True, part), Weight(f"{ours}.bias", f"{theirs}.bias", part=part)


def _gpt2_norm(ours: str, theirs: str) -> tuple[Weight, Weight]:
    return Weight(f"{ours}.weight", f"{theirs}.weight"), Weight(f"{ours}.bias", f"{theirs}.bias")


_GPT2_LAYER, _GPT2_BLOCK = "transformer.h.{layer}", "blocks.{layer}"

GPT2 = Family(
    model_type="gpt2",
    architecture="GPT2LMHeadModel",
    prefix="transformer.",
    tensors=(
        Weight("token_embedding.weight", "transformer.wte.weight"),
        Weight("position_embedding.weight", "transformer.wpe.weight"),
        *_gpt2_norm(f"{_GPT2_BLOCK}.attention_norm", f"{_GPT2_LAYER}.ln_1"),
        *_gpt2_linear(f"{_GPT2_BLOCK}.attention.query", f"{_GPT2_LAYER}.attn.c_attn", (0, 3)),
        *_gpt2_linear(f"{_GPT2_BLOCK}.attention.key", f"{_GPT2_LAYER}.attn.c_attn", (1, 3)),
        *_gpt2_linear(f"{_GPT2_BLOCK}.attention.value", f"{_GPT2_LAYER}.attn.c_attn", (2, 3)),
        *_gpt2_linear(f"{_GPT2_BLOCK}.attention.output", f"{_GPT2_LAYER}.attn.c_proj"),
        *_gpt2_norm(f"{_GPT2_BLOCK}.feed_forward_norm", f"{_GPT2_LAYER}.ln_2"),
        *_gpt2_linear(f"{_GPT2_BLOCK}.feed_forward.up", f"{_GPT2_LAYER}.mlp.c_fc"),
        *_gpt2_linear(f"{_GPT2_BLOCK}.feed_forward.down", f"{_GPT2_LAYER}.mlp.c_proj"),
        *_gpt2_norm("final_norm", "transformer.ln_f"),
        Weight("head.weight", "lm_head.weight"),
    ),
    settings=(
        Setting("vocab_size", "vocab_size", 50257),
        Setting("context_length", "n_positions", 1024),
        Setting("n_layers", "n_layer", 12),
        Setting("n_heads", "n_head", 12),
        Setting("d_model", "n_embd", 768),
        Setting("d_ff", "n_inner", None),
        Setting("norm_eps", "layer_norm_epsilon", 1e-5),
        Setting("dropout", "resid_pdrop", 0.1),
        Setting("tie_embeddings", "tie_word_embeddings", True),
    ),
    supported={
        "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
        "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "add_cross_attention": (False,),
    },
    written={"activation_function": "gelu_new"},
    ignored=(".attn.bias", ".attn.masked_bias"),
    gpt_style="gpt2",
    qk_norm=False,
)

_LAYER, _BLOCK = "model.layers.{layer}", "blocks.{layer}"

_LLAMA_TENSORS = (
    Weight("token_embedding.weight", "model.embed_tokens.weight"),
    Weight(f"{_BLOCK}.attention_norm.weight", f"{_LAYER}.input_layernorm.weight"),
    Weight(f"{_BLOCK}.attention.query.weight", f"{_LAYER}.self_attn.q_proj.weight"),
    Weight(f"{_BLOCK}.attention.key.weight", f"{_LAYER}.self_attn.k_proj.weight"),
    Weight(f"{_BLOCK}.attention.value.weight", f"{_LAYER}.self_attn.v_proj.weight"),
    Weight(f"{_BLOCK}.attention.output.weight", f"{_LAYER}.self_attn.o_proj.weight"),
    Weight(f"{_BLOCK}.feed_forward_norm.weight", f"{_LAYER}.post_attention_layernorm.weight"),
    Weight(f"{_BLOCK}.feed_forward.gate.weight", f"{_LAYER}.mlp.gate_proj.weight"),
    Weight(f"{_BLOCK}.feed_forward.up.weight", f"{_LAYER}.mlp.up_proj.weight"),
    Weight(f"{_BLOCK}.feed_forward.down.weight", f"{_LAYER}.mlp.down_proj.weight"),
    Weight("final_norm.weight", "model.norm.weight"),
    Weight("head.weight", "lm_head.weight"),
)

_QK_NORM_TENSORS = (
    Weight(f"{_BLOCK}.attention.query_norm.weight", f"{_LAYER}.self_attn.q_norm.weight"),
    Weight(f"{_BLOCK}.attention.key_norm.weight", f"{_LAYER}.self_attn.k_norm.weight"),
)


def _llama_settings(*, context: int, n_kv_heads: int | None, head_dim: int | None) -> tuple[Setting, ...]:
    return (
        Setting("vocab_size", "vocab_size", 32000 if head_dim is None else 151936),
        Setting("context_length", "max_position_embeddings", context),
        Setting("n_layers", "num_hidden_layers", 32),
        Setting("n_heads", "num_attention_heads", 32),
        Setting("n_kv_heads", "num_key_value_heads", n_kv_heads),
        Setting("head_dim", "head_dim", head_dim),
        Setting("d_model", "hidden_size", 4096),
        Setting("d_ff", "intermediate_size", 11008 if head_dim is None else 22016),
        Setting("norm_eps", "rms_norm_eps", 1e-6),
        Setting("dropout", "attention_dropout", 0.0),
        Setting("tie_embeddings", "tie_word_embeddings", False),
    )


LLAMA = Family(
    model_type="llama",
    architecture="LlamaForCausalLM",
    prefix="model.",
    tensors=_LLAMA_TENSORS,
    settings=_llama_settings(context=2048, n_kv_heads=None, head_dim=None),
    supported={"hidden_act": ("silu",), "attention_bias": (False,), "mlp_bias": (False,)},
    written={"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
    ignored=(".rotary_emb.inv_freq",),
    gpt_style="gpt",
    qk_norm=False,
)

QWEN3 = Family(
    model_type="qwen3",
    architecture="Qwen3ForCausalLM",
    prefix="model.",
    tensors=(*_LLAMA_TENSORS, *_QK_NORM_TENSORS),
    settings=_llama_settings(context=32768, n_kv_heads=32, head_dim=128),
    supported={"hidden_act": ("silu",), "attention_bias": (False,), "use_sliding_window": (False,)},
    written={"hidden_act": "silu", "attention_bias": False, "use_sliding_window": False},
    ignored=(".rotary_emb.inv_freq",),
    gpt_style="gpt",
    qk_norm=True,
)

FAMILIES = {family.model_type: family for family in (GPT2, LLAMA, QWEN3)}
