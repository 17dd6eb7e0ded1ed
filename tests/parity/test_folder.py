"""Folders against transformers: what we save its Auto classes open, what it saves we open, with the same logits."""

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from llmlab import hub
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

TEXT = "To be, or not to be: that is the question.\n生存还是毁灭 🙂\n"
OURS = {
    "qwen3": {"n_kv_heads": 2, "rope_theta": 500.0},
    "llama": {"qk_norm": False, "tie_embeddings": False, "head_dim": 6},
    "gpt2": {"style": "gpt2"},
}
COMMON = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
THEIRS = {
    "qwen3": lambda size: Qwen3ForCausalLM(
        Qwen3Config(vocab_size=size, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True, **COMMON)
    ),
    "llama": lambda size: LlamaForCausalLM(LlamaConfig(vocab_size=size, num_key_value_heads=1, **COMMON)),
    "gpt2": lambda size: GPT2LMHeadModel(
        GPT2Config(vocab_size=size, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=0, eos_token_id=0)
    ),
}


@pytest.fixture(scope="module", params=["char", "word", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return train_tokenizer(request.param, TEXT)


def scattered(model: torch.nn.Module) -> None:
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.2)


@pytest.mark.parametrize("dress", OURS)
def test_transformers_opens_what_we_save(dress: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    config = GPTConfig(vocab_size=tokenizer.vocab_size, d_model=32, n_layers=2, context_length=64, **OURS[dress])  # type: ignore[arg-type]
    model = GPT(config).eval()
    scattered(model)
    hub.save(model, tokenizer, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto", attn_implementation="sdpa").eval()
    words = AutoTokenizer.from_pretrained(tmp_path)
    assert words(TEXT)["input_ids"] == tokenizer.encode(TEXT)
    assert words.decode(words(TEXT)["input_ids"]) == TEXT
    ids = torch.tensor([tokenizer.encode(TEXT)])[:, :64]
    torch.testing.assert_close(theirs(ids).logits, model(ids).logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("sharded", [False, True], ids=["one file", "shards"])
@pytest.mark.parametrize("family", THEIRS)
def test_we_open_what_transformers_saves(family: str, sharded: bool, dtype: torch.dtype, tmp_path: Path) -> None:
    tokenizer = train_tokenizer("char", TEXT)
    theirs = THEIRS[family](tokenizer.vocab_size).eval()
    scattered(theirs)
    theirs.to(dtype).save_pretrained(tmp_path, max_shard_size="8KB" if sharded else "5GB")
    assert (tmp_path / "model.safetensors.index.json").exists() == sharded
    tokenizer.save(tmp_path)
    model, words = hub.load(tmp_path)
    assert model.token_embedding.weight.dtype == dtype
    ids = torch.tensor([words.encode(TEXT)])[:, :64]
    torch.testing.assert_close(
        model(ids).logits, theirs(ids).logits.float(), rtol=0, atol=1e-5 if dtype == torch.float32 else 0.05
    )


def test_saved_opened_by_transformers_and_saved_again_is_bit_equal(tmp_path: Path) -> None:
    tokenizer = train_tokenizer("char", TEXT)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=32, n_layers=2))
    scattered(model)
    hub.save(model, tokenizer, tmp_path / "ours")
    AutoModelForCausalLM.from_pretrained(tmp_path / "ours", dtype="auto").save_pretrained(tmp_path / "theirs")
    AutoTokenizer.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    again, words = hub.load(tmp_path / "theirs")
    assert again.config == model.config
    assert words.encode(TEXT) == tokenizer.encode(TEXT)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
