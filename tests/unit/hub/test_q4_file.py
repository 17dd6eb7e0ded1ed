"""A tiny BERT written in the 4-bit format, against the model it was written from."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from llmlab import hub
from llmlab.hub.q4_file import convert_q4
from llmlab.i18n import LearnerError
from llmlab.text.tokenizer import train_tokenizer

NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
TOPS = {
    "word_embeddings.weight": "emb.word",
    "position_embeddings.weight": "emb.pos",
    "token_type_embeddings.weight": "emb.type",
    "LayerNorm.weight": "emb.ln.w",
    "LayerNorm.bias": "emb.ln.b",
}


def their_name(name: str) -> str:
    if name.startswith("embeddings."):
        return TOPS[name.removeprefix("embeddings.")]
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    return f"l{layer}.{next(short for short, long in NAMES.items() if long == part)}.{kind[0]}"


def packed(matrix: torch.Tensor, scale: float) -> bytes:
    """Q4_0: per 32 weights of a row a float16 scale, then the codes 0–15, weight i beside weight i + 16."""
    codes = (matrix.numpy().reshape(-1, 32) / scale + 8).round().astype(np.uint8)
    return b"".join(struct.pack("<e", scale) + (row[:16] | row[16:] << 4).tobytes() for row in codes)


@pytest.fixture(scope="module")
def bert() -> BertModel:
    """Weights that 4 bits hold exactly."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=16,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            matrix = parameter.ndim == 2 and "position" not in name and "token_type" not in name
            parameter.copy_(torch.randint(-8, 8, parameter.shape) / (64 if matrix else 16))
    return model


@pytest.fixture
def written(bert: BertModel, tmp_path: Path) -> Path:
    config, parts, data = bert.config, [], b""
    for name, tensor in bert.state_dict().items():
        ours = their_name(name)
        four = tensor.ndim == 2 and ours not in ("emb.pos", "emb.type")
        raw = packed(tensor, 1 / 64) if four else tensor.numpy().astype("<f4").tobytes()
        parts.append((ours.encode(), int(four), tensor.numel(), len(data), len(raw)))
        data += raw
    sizes = (config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size)
    head = b"E5S1" + struct.pack("<i7ifi", 1, *sizes, config.vocab_size, 16, 2, config.layer_norm_eps, 32)
    pieces = [b"<s>", b"<pad>", b"ab"]
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 2, sum(map(len, pieces)))
    head += struct.pack("<4I", 0, 3, 8, 10) + struct.pack("<3f", 0, 0, -1) + b"".join(pieces)
    head += struct.pack("<iI", 1, 6) + b"normal" + struct.pack("<i", len(parts))
    start = len(head) + sum(2 + len(name) + 21 for name, *_ in parts)
    for name, kind, count, offset, size in parts:
        head += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", kind, count, start + offset, size)
    (tmp_path / "m.bin").write_bytes(head + data)
    train_tokenizer("char", "abcdefghij").save(tmp_path / "words")
    return tmp_path / "m.bin"


def test_every_weight_is_the_one_that_was_written(bert: BertModel, written: Path, tmp_path: Path) -> None:
    convert_q4(written, tmp_path / "words" / "tokenizer.json", tmp_path / "out")
    again = BertModel.from_pretrained(tmp_path / "out", add_pooling_layer=False, dtype=torch.float32)
    assert again.config.layer_norm_eps == bert.config.layer_norm_eps
    for name, tensor in bert.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    model, tokenizer = hub.load(tmp_path / "out")
    ids = torch.tensor([tokenizer.encode("abcabc")])
    torch.testing.assert_close(model.float()(ids).hidden, bert(ids).last_hidden_state, rtol=0, atol=1e-5)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-500], lambda raw: raw[:90], lambda raw: b"nope" + raw[4:]])
def test_a_damaged_file_is_one_sentence(damage: object, written: Path, tmp_path: Path) -> None:
    written.write_bytes(damage(written.read_bytes()))  # type: ignore[operator]
    with pytest.raises(LearnerError) as error:
        convert_q4(written, tmp_path / "words" / "tokenizer.json", tmp_path / "out")
    assert error.value.phrase == "hub.weights_broken"
    assert not (tmp_path / "out").exists()
