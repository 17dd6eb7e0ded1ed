import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

TEXT = "the quick brown fox jumps over the lazy dog\n"
DRESSES = {
    "qwen3": {"n_kv_heads": 2},
    "llama": {"qk_norm": False, "tie_embeddings": False},
    "gpt2": {"style": "gpt2"},
    "gpt2-without-biases": {"style": "gpt2", "bias": False},
}


def small(tokenizer: Tokenizer, dtype: torch.dtype = torch.float32, **settings: object) -> GPT:
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=tokenizer.vocab_size, d_model=16, n_layers=2, context_length=32, **settings)  # type: ignore[arg-type]
    model = GPT(config).to(dtype).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def tokenizer() -> Tokenizer:
    return train_tokenizer("char", TEXT)


@pytest.fixture
def saved(tmp_path: Path, tokenizer: Tokenizer) -> Path:
    hub.save(small(tokenizer), tokenizer, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("dress", DRESSES)
def test_what_was_saved_opens_the_same(dress: str, dtype: torch.dtype, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = small(tokenizer, dtype, **DRESSES[dress])
    hub.save(model, tokenizer, tmp_path / "model")
    opened, words = hub.load(tmp_path / "model")
    assert opened.config == model.config
    assert not opened.training
    assert words.encode(TEXT) == tokenizer.encode(TEXT)
    stored, given = opened.state_dict(), model.state_dict()
    assert stored.keys() == given.keys()
    for name, tensor in given.items():
        assert stored[name].dtype == dtype
        assert torch.equal(stored[name], tensor), name
    assert json.loads((tmp_path / "model" / "config.json").read_text())["dtype"] == str(dtype).removeprefix("torch.")


def test_a_tied_head_is_stored_once(saved: Path, tokenizer: Tokenizer) -> None:
    size = (saved / "model.safetensors").stat().st_size
    hub.save(small(tokenizer, tie_embeddings=False), tokenizer, saved)
    assert (saved / "model.safetensors").stat().st_size - size > tokenizer.vocab_size * 16 * 4


def test_other_programs_are_told_that_the_tensors_are_torchs(saved: Path) -> None:
    with safe_open(saved / "model.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_a_whole_number_may_stand_for_a_share(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | {"attention_dropout": 0}))
    model, _ = hub.load(saved)
    assert isinstance(model.config.dropout, float)


def test_saving_again_leaves_nothing_else(saved: Path, tokenizer: Tokenizer) -> None:
    hub.save(small(tokenizer), tokenizer, saved)
    names = {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in saved.iterdir()} == names


def test_opening_and_saving_import_no_transformers(saved: Path) -> None:
    code = (
        f"import sys; from llmlab import hub; model, tokenizer = hub.load({str(saved)!r});"
        f"hub.save(model, tokenizer, {str(saved)!r}); print('transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_file_cut_off_after_opening_does_no_harm(saved: Path) -> None:
    model, _ = hub.load(saved)
    (saved / "model.safetensors").write_bytes(b"")
    assert bool(torch.isfinite(model(torch.zeros(1, 4, dtype=torch.long)).logits).all())


@pytest.mark.parametrize(
    ("name", "phrase"),
    [("no-such-model", "hub.no_such_model"), ("tang", "hub.not_a_model"), ("shakespeare", "hub.not_a_model")],
)
def test_what_is_no_model_is_said(name: str, phrase: str) -> None:
    with pytest.raises(LearnerError) as error:
        hub.load(name)
    assert error.value.phrase == phrase


def test_a_catalogue_name_opens_the_embedded_model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved.rename(saved.with_name("tang-gpt"))
    monkeypatch.setattr(sys.modules["llmlab.hub.fetch"], "assets", lambda: saved.parent)
    model, _ = hub.load("tang-gpt")
    assert model.config.d_model == 16


def test_a_hub_id_goes_to_the_hub(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(hub_id: str) -> Path:
        asked.append(hub_id)
        return saved

    monkeypatch.setattr("llmlab.hub.folder.download_model", download)
    hub.load("owner/name")
    assert asked == ["owner/name"]
    for word in ("../name", "a/b/c", "/no/where", "owner/na me"):
        with pytest.raises(LearnerError):
            hub.load(word)
    assert asked == ["owner/name"]


def test_a_tokenizer_of_another_model_is_refused_both_ways(saved: Path, tokenizer: Tokenizer) -> None:
    larger = train_tokenizer("char", TEXT + "0123456789")
    with pytest.raises(LearnerError) as error:
        hub.save(small(tokenizer), larger, saved)
    assert error.value.phrase == "hub.vocabulary_too_large"
    larger.save(saved)
    with pytest.raises(LearnerError) as error:
        hub.load(saved)
    assert error.value.phrase == "hub.vocabulary_too_large"
