import io
import zipfile
from pathlib import Path

import pytest
import torch

from llmlab import hub
from llmlab.hub import archive
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tokenizer = train_tokenizer("char", "abc")
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=8, n_layers=1, n_heads=2))
    hub.save(model, tokenizer, tmp_path / "step-000010")
    (tmp_path / "step-000010" / "optimizer.safetensors").write_bytes(b"not for others")
    (tmp_path / "step-000010" / "state.json").write_text("{}")
    (tmp_path / "step-000010" / "README.md").write_text("# Card")
    return tmp_path / "step-000010"


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_a_zip_holds_the_model_and_nothing_of_its_training(saved: Path) -> None:
    expected = ["README.md", "config.json", "generation_config.json", "model.safetensors"]
    expected += ["tokenizer.json", "tokenizer_config.json"]
    assert names(hub.export_zip(saved, name="mine")) == [f"mine/{name}" for name in expected]
    assert names(hub.export_zip(saved))[0] == "step-000010/README.md"


def test_exported_and_imported_is_the_same_model(saved: Path, tmp_path: Path) -> None:
    content = hub.export_zip(saved)
    (tmp_path / "model.zip").write_bytes(content)
    given, _ = hub.load(saved)
    for source in (io.BytesIO(content), tmp_path / "model.zip"):
        model, tokenizer = hub.import_zip(source)
        assert tokenizer.decode(tokenizer.encode("cab")) == "cab"
        for name, tensor in given.state_dict().items():
            assert torch.equal(model.state_dict()[name], tensor)
    assert list(hub.cache().iterdir()) == []


def test_files_without_a_folder_are_accepted(saved: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        for path in saved.iterdir():
            zipped.write(path, path.name)
    content.seek(0)
    hub.import_zip(content)


def zip_of(files: dict[str, bytes]) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    content.seek(0)
    return content


@pytest.mark.parametrize(
    ("files", "phrase"),
    [
        ({}, "hub.archive_models"),
        ({"a/config.json": b"{}", "b/config.json": b"{}"}, "hub.archive_models"),
        ({"../config.json": b"{}"}, "hub.archive_unsafe"),
        ({"a/config.json": b"{}", "a/pytorch_model.bin": b"\x80\x02"}, "hub.unknown_architecture"),
        ({"config.json": b"{}", "config.json/config.json": b"{}"}, "hub.archive_broken"),
    ],
)
def test_a_zip_without_a_usable_model_is_refused(files: dict[str, bytes], phrase: str) -> None:
    with pytest.raises(LearnerError) as error:
        hub.import_zip(zip_of(files))
    assert error.value.phrase == phrase
    assert list(hub.cache().iterdir()) == []


def test_a_zip_too_large_to_unpack_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1000)
    with pytest.raises(LearnerError) as error:
        hub.import_zip(io.BytesIO(hub.export_zip(saved)))
    assert error.value.phrase == "hub.archive_too_big"


def test_only_a_model_folder_is_exported(tmp_path: Path) -> None:
    with pytest.raises(LearnerError) as error:
        hub.export_zip(tmp_path)
    assert error.value.phrase == "hub.not_a_model_folder"
