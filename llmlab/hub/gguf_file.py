"""A Llama in llama.cpp's GGUF format, 4-bit weights included, as a folder that transformers opens.

The file is read by the `gguf` library, which also undoes the quantisation. What is left to do: other names, the order
of rotary pairs (llama.cpp pairs neighbours, transformers pairs halves), and a `tokenizer.json` from the vocabulary.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from tokenizers import AddedToken, decoders, models, pre_tokenizers
from torch import Tensor

from llmlab.hub.config_file import CONFIG, write_json
from llmlab.hub.weights import write_weights
from llmlab.i18n import LearnerError
from llmlab.text.folder import write_folder

CONTROL, USER_DEFINED = 3, 4  # token types that are never cut

_TENSORS = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _digits_alone() -> pre_tokenizers.PreTokenizer:
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])


_CUTTERS: dict[str, Callable[[], pre_tokenizers.PreTokenizer]] = {
    "gpt-2": lambda: pre_tokenizers.ByteLevel(add_prefix_space=False),
    "smollm": _digits_alone,
}
"""How a text is cut before byte pairs are joined, by the name that llama.cpp gives it."""


def convert_gguf(file: Path, folder: Path, *, dtype: torch.dtype = torch.bfloat16) -> None:
    """Writes `config.json`, `model.safetensors` in `dtype`, and the tokenizer of a GGUF file into `folder`.

    Raises LearnerError for a damaged file, another architecture than Llama's, or a tokenizer that we do not know.
    """
    from gguf import GGUFReader, dequantize

    try:
        reader = GGUFReader(file)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        config = _config(fields)
        backend, settings = _tokenizer(fields)
        state: dict[str, Tensor] = {}
        for tensor in reader.tensors:
            values = np.array(dequantize(tensor.data, tensor.tensor_type))  # (outputs, inputs) in float32
            heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
            part = tensor.name.split(".")[-2]
            if part in heads:
                values = _halves(values, heads[part])
            state[_name(tensor.name)] = torch.from_numpy(values).to(dtype)
    except LearnerError:
        raise
    except Exception as error:  # whatever the library stumbles over in a damaged file
        raise LearnerError("hub.weights_broken", file=file.name, detail=str(error)) from error
    config["tie_word_embeddings"] = "lm_head.weight" not in state
    config["dtype"] = str(dtype).removeprefix("torch.")
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(state, folder)
    write_folder(backend, settings, folder)
    write_json(folder / CONFIG, config)


def _config(fields: dict[str, Any]) -> dict[str, Any]:
    """What config.json says of the model."""
    architecture = fields["general.architecture"]
    if architecture != "llama":
        raise LearnerError("hub.unknown_architecture", model_type=architecture, known="llama")
    shape = {name.removeprefix("llama."): value for name, value in fields.items() if name.startswith("llama.")}
    heads, theta = shape["attention.head_count"], float(shape["rope.freq_base"])
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "max_position_embeddings": shape["context_length"],
        "num_hidden_layers": shape["block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": shape.get("attention.head_count_kv", heads),
        "head_dim": shape["rope.dimension_count"],
        "hidden_size": shape["embedding_length"],
        "intermediate_size": shape["feed_forward_length"],
        "rms_norm_eps": float(np.format_float_scientific(np.float32(shape["attention.layer_norm_rms_epsilon"]))),
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": fields.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": fields.get("tokenizer.ggml.eos_token_id"),
        "pad_token_id": fields.get("tokenizer.ggml.padding_token_id"),
    }


def _name(name: str) -> str:
    """transformers' name of a tensor."""
    if name in _TENSORS:
        return _TENSORS[name]
    block, layer, part, kind = name.split(".")  # blk.3.attn_q.weight
    if block != "blk":
        raise ValueError(f"no place for {name}")
    return f"model.layers.{int(layer)}.{_LAYER[part]}.{kind}"


def _halves(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix with the pairs (2i, 2i+1) of each head put as (i, i + head_dim/2)."""
    rows, inputs = weight.shape
    paired = weight.reshape(heads, rows // heads // 2, 2, inputs)
    return np.ascontiguousarray(paired.swapaxes(1, 2).reshape(rows, inputs))


def _tokenizer(fields: dict[str, Any]) -> tuple[tokenizers.Tokenizer, dict[str, Any]]:
    """The byte-pair tokenizer of the file, and its settings with the chat template."""
    kind, cutter = fields["tokenizer.ggml.model"], fields.get("tokenizer.ggml.pre", "gpt-2")
    if kind != "gpt2" or cutter not in _CUTTERS:
        raise LearnerError("hub.gguf_tokenizer", kind=f"{kind}/{cutter}", known=", ".join(_CUTTERS))
    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    backend = tokenizers.Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    backend.pre_tokenizer = _CUTTERS[cutter]()
    backend.decoder = decoders.ByteLevel()
    types = zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
    whole = [(token, kind) for token, kind in types if kind in (CONTROL, USER_DEFINED)]
    backend.add_special_tokens([AddedToken(token, special=True) for token, kind in whole if kind == CONTROL])
    backend.add_tokens([AddedToken(token) for token, kind in whole if kind == USER_DEFINED])
    settings = {
        f"{ours}_token": tokens[fields[f"tokenizer.ggml.{theirs}_token_id"]]
        for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
        if f"tokenizer.ggml.{theirs}_token_id" in fields
    }
    settings |= {"chat_template": fields.get("tokenizer.chat_template")}
    settings |= {"model_max_length": fields["llama.context_length"]}
    return backend, settings
