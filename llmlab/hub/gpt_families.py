"""GPT in transformers' words: GPT-2 for the style `gpt2`; Qwen3, or Llama without QK-norm, for the style `gpt`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from llmlab.hub.families import Family, Setting, Weight
from llmlab.i18n import LearnerError
from llmlab.models.gpt_config import GPTConfig


def _untied(config: GPTConfig) -> bool:
    return not config.tie_embeddings


def _causal(architecture: str) -> Callable[[GPTConfig], tuple[str, str, dict[str, Any]]]:
    return lambda config: (architecture, "AutoModelForCausalLM", {})


def _gpt2_linear(ours: str, theirs: str, part: tuple[int, int] | None = None) -> tuple[Weight, Weight]:
    return Weight(f"{ours}.weight", f"{theirs}.weight", True, part), Weight(f"{ours}.bias", f"{theirs}.bias", part=part)


def _gpt2_norm(ours: str, theirs: str) -> tuple[Weight, Weight]:
    return Weight(f"{ours}.weight", f"{theirs}.weight"), Weight(f"{ours}.bias", f"{theirs}.bias")


def _write_gpt2(config: GPTConfig) -> dict[str, Any]:
    """What transformers cannot express stands under "llmlab"."""
    written: dict[str, Any] = {"embd_pdrop": config.dropout, "attn_pdrop": config.dropout}
    return written if config.bias else written | {"llmlab": {"bias": False}}


def _fit_gpt2(config: GPTConfig, state: Mapping[str, Any], heads: bool) -> GPTConfig:
    """Biases that we wrote as zeros may have been trained elsewhere since."""
    trained = not config.bias and any(name.endswith(".bias") and bool(t.count_nonzero()) for name, t in state.items())
    return replace(config, bias=True) if trained else config


_GPT2_LAYER, _GPT2_BLOCK = "transformer.h.{layer}", "blocks.{layer}"

GPT2 = Family(
    model_type="gpt2",
    config=GPTConfig,
    prefix="transformer.",
    heads=("lm_head.",),
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
        Weight("head.weight", "lm_head.weight", when=_untied),
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
    spare=("lm_head.weight",),
    fixed={"style": "gpt2"},
    auto=_causal("GPT2LMHeadModel"),
    write=_write_gpt2,
    read=lambda hf_config: {"bias": hf_config.get("llmlab", {}).get("bias", True)},
    fit=_fit_gpt2,
    written_as_zeros=lambda name, config: name.endswith(".bias") and not config.bias,
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
    Weight("head.weight", "lm_head.weight", when=_untied),
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


def _write_rope(config: GPTConfig) -> dict[str, Any]:
    """transformers 5 reads `rope_parameters`; earlier versions and other programs read `rope_theta`."""
    return {
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "rope_theta": config.rope_theta,
    }


def _rope_theta(hf_config: dict[str, Any]) -> float:
    rope = hf_config.get("rope_parameters") or hf_config.get("rope_scaling") or {}
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind != "default":
        raise LearnerError("hub.unsupported_setting", key="rope_type", found=kind, known="default")
    if (partial := rope.get("partial_rotary_factor", hf_config.get("partial_rotary_factor", 1.0))) != 1.0:
        raise LearnerError("hub.unsupported_setting", key="partial_rotary_factor", found=partial, known="1.0")
    return float(rope.get("rope_theta") or hf_config.get("rope_theta") or 10_000.0)


LLAMA = Family(
    model_type="llama",
    config=GPTConfig,
    prefix="model.",
    heads=("lm_head.",),
    tensors=_LLAMA_TENSORS,
    settings=_llama_settings(context=2048, n_kv_heads=None, head_dim=None),
    supported={"hidden_act": ("silu",), "attention_bias": (False,), "mlp_bias": (False,)},
    written={"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
    ignored=(".rotary_emb.inv_freq",),
    spare=("lm_head.weight",),
    fixed={"style": "gpt", "qk_norm": False},
    auto=_causal("LlamaForCausalLM"),
    write=_write_rope,
    read=lambda hf_config: {"rope_theta": _rope_theta(hf_config)},
)

QWEN3 = Family(
    model_type="qwen3",
    config=GPTConfig,
    prefix="model.",
    heads=("lm_head.",),
    tensors=(*_LLAMA_TENSORS, *_QK_NORM_TENSORS),
    settings=_llama_settings(context=32768, n_kv_heads=32, head_dim=128),
    supported={"hidden_act": ("silu",), "attention_bias": (False,), "use_sliding_window": (False,)},
    written={"hidden_act": "silu", "attention_bias": False, "use_sliding_window": False},
    ignored=(".rotary_emb.inv_freq",),
    spare=("lm_head.weight",),
    fixed={"style": "gpt", "qk_norm": True},
    auto=_causal("Qwen3ForCausalLM"),
    write=_write_rope,
    read=lambda hf_config: {"rope_theta": _rope_theta(hf_config)},
)
