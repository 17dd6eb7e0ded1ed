"""A tiny Llama written in GGUF by llama.cpp's own library, against the model it was written from."""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from llmlab import hub
from llmlab.hub.gguf_file import convert_gguf
from llmlab.i18n import LearnerError

LETTERS = ["<|end|>", "<|start|>", *"abcdefgh0123", "Ġ", "ab", "Ġa"]
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def their_name(name: str) -> str:
    if name.startswith("model.layers."):
        _, _, layer, rest = name.split(".", 3)
        part, kind = rest.rsplit(".", 1)
        return f"blk.{layer}.{NAMES[part]}.{kind}"
    tops = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    return f"{tops[name.removesuffix('.weight')]}.weight"


def neighbours(weight: np.ndarray, heads: int) -> np.ndarray:
    """The order of rows in which llama.cpp stores queries and keys, as its own conversion script makes it."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(LETTERS),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        rope_theta=500.0,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def write(model: LlamaForCausalLM, file: Path, kind: gguf.GGMLQuantizationType, architecture: str = "llama") -> None:
    config = model.config
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(LETTERS)
    writer.add_token_types([3, 3] + [1] * (len(LETTERS) - 2))
    writer.add_token_merges(["a b", "Ġ a"])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_chat_template(TEMPLATE)
    for name, tensor in model.state_dict().items():
        values = tensor.numpy()
        if "q_proj" in name or "k_proj" in name:
            values = neighbours(values, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads)
        if values.ndim == 2 and kind != gguf.GGMLQuantizationType.F32:
            writer.add_tensor(their_name(name), gguf.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(their_name(name), np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_the_model_is_the_one_that_was_written(llama: LlamaForCausalLM, tmp_path: Path) -> None:
    write(llama, tmp_path / "m.gguf", gguf.GGMLQuantizationType.F32)
    convert_gguf(tmp_path / "m.gguf", tmp_path / "out", dtype=torch.float32)
    model, tokenizer = hub.load(tmp_path / "out")
    ids = torch.tensor([tokenizer.encode("ab abc d")])
    torch.testing.assert_close(model(ids).logits, llama(ids).logits, rtol=0, atol=1e-5)
    again = LlamaForCausalLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(again(ids).logits, llama(ids).logits, rtol=0, atol=1e-5)


def test_four_bit_weights_are_within_half_a_step(llama: LlamaForCausalLM, tmp_path: Path) -> None:
    write(llama, tmp_path / "m.gguf", gguf.GGMLQuantizationType.Q4_1)
    convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    again = LlamaForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).state_dict()
    for name, tensor in llama.state_dict().items():
        blocks = tensor.reshape(-1, 32)
        step = (blocks.amax(1) - blocks.amin(1)) / 15 if tensor.ndim == 2 else torch.zeros(len(blocks))
        allowed = 0.51 * step[:, None] + 0.004 * blocks.abs()  # half a step, and bfloat16
        assert ((again[name].reshape(-1, 32) - blocks).abs() <= allowed + 1e-3).all(), name


def test_its_tokenizer_comes_along(llama: LlamaForCausalLM, tmp_path: Path) -> None:
    write(llama, tmp_path / "m.gguf", gguf.GGMLQuantizationType.F32)
    convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    _, tokenizer = hub.load(tmp_path / "out")
    text = "<|start|>ab a12<|end|>"
    assert tokenizer.encode(text) == [1, 15, 16, 11, 12, 0]
    assert AutoTokenizer.from_pretrained(tmp_path / "out")(text).input_ids == tokenizer.encode(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert (tokenizer.eos_id, tokenizer.chat_template) == (0, TEMPLATE)


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"GGUF" + raw[400:], lambda raw: b""])
def test_a_damaged_file_is_one_sentence(damage: object, llama: LlamaForCausalLM, tmp_path: Path) -> None:
    write(llama, tmp_path / "m.gguf", gguf.GGMLQuantizationType.F32)
    raw = (tmp_path / "m.gguf").read_bytes()
    (tmp_path / "m.gguf").write_bytes(damage(raw))  # type: ignore[operator]
    with pytest.raises(LearnerError) as error:
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    assert error.value.phrase == "hub.weights_broken"
    assert not (tmp_path / "out").exists()


def test_another_architecture_is_refused(llama: LlamaForCausalLM, tmp_path: Path) -> None:
    write(llama, tmp_path / "m.gguf", gguf.GGMLQuantizationType.F32, architecture="falcon")
    with pytest.raises(LearnerError, match="falcon") as error:
        convert_gguf(tmp_path / "m.gguf", tmp_path / "out")
    assert error.value.phrase == "hub.unknown_architecture"
