"""Model folders that are cut off, tampered with, or something else altogether: always one sentence, never a crash."""

import json
import pickle
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "model"
    tokenizer = train_tokenizer("char", "hello world")
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=8, n_layers=2, n_heads=2, context_length=16))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    hub.save(model, tokenizer, folder)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def refused(folder: Path) -> LearnerError:
    """What opening the folder says; it must be a sentence in both languages."""
    with pytest.raises(LearnerError) as error:
        hub.load(folder)
    said(error.value)
    return error.value


def said(error: LearnerError) -> None:
    assert str(error)
    assert error.say("zh") != str(error)


def test_cut_off_at_any_length(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    header = 8 + struct.unpack("<Q", content[:8])[0]
    lengths = {0, 1, 7, 8, 9, header - 1, header, header + 1, len(content) - 1}
    lengths |= {random.Random(0).randrange(len(content)) for _ in range(150)}
    for length in sorted(lengths):
        weights.write_bytes(content[:length])
        assert refused(folder).phrase == "hub.weights_broken", length
    weights.write_bytes(content + b"\0")
    assert refused(folder).phrase == "hub.weights_broken"


@pytest.mark.parametrize("seed", range(4))
def test_bytes_changed_in_the_header(folder: Path, seed: int) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    header = 8 + struct.unpack("<Q", content[:8])[0]
    chance = random.Random(seed)
    opened = 0
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(chance.choice([1, 1, 2, 8])):
            changed[chance.randrange(header)] = chance.choice([chance.randrange(256), ord('"'), ord("{"), ord("9")])
        weights.write_bytes(changed)
        try:
            hub.load(folder)
            opened += 1  # a change of padding or of "format", or none at all
        except LearnerError as error:
            said(error)
    assert opened < 15


def test_length_of_the_header_changed(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    for length in (0, 1, 2**20, 2**31, 2**32 + 5, 2**63, 2**64 - 1):
        weights.write_bytes(struct.pack("<Q", length) + content[8:])
        assert refused(folder).phrase == "hub.weights_broken"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"text"',
        "\0\0",
        nested(100_000),
        '{"model_type": "gpt2"',
        '{"a": NaN, "model_type": 1}',
    ],
    ids=lambda text: text[:12],
)
def test_a_broken_config(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    assert refused(folder).phrase in ("hub.config_broken", "hub.unknown_architecture")


def test_a_config_that_is_not_utf8(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe{\x00")
    assert refused(folder).phrase == "hub.config_broken"


STRANGE: list[Any] = [None, "x", "", -1, 0, 1.5, 10**30, 1e308, float("nan"), True, [], {}, {"a": []}, [[1]]]


@pytest.mark.parametrize("style", ["gpt", "gpt2"])
def test_any_setting_replaced_by_something_strange(style: str, tmp_path: Path) -> None:
    tokenizer = train_tokenizer("char", "hello world")
    model = GPT(
        GPTConfig(style=style, vocab_size=tokenizer.vocab_size, d_model=8, n_layers=1, n_heads=2, context_length=16)
    )  # type: ignore[arg-type]
    hub.save(model, tokenizer, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for key in [*config, "rope_scaling", "partial_rotary_factor", "quantization_config", "torch_dtype", "llmlab"]:
        for value in STRANGE:
            (tmp_path / "config.json").write_text(json.dumps(config | {key: value}))
            try:
                opened, _ = hub.load(tmp_path)
            except LearnerError as error:
                said(error)
            else:
                opened(torch.zeros(1, 4, dtype=torch.long))


def test_sizes_that_are_beyond_belief_are_refused_at_once(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    for key in ("num_hidden_layers", "max_position_embeddings", "vocab_size", "hidden_size", "intermediate_size"):
        (folder / "config.json").write_text(json.dumps(config | {key: 2_000_000_000}))
        assert refused(folder).phrase == "hub.setting_strange"
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 16_000_000}))
    assert refused(folder).phrase == "hub.layers_contradiction"


def tampered(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        state = load_file(folder / "model.safetensors")
        change(state)
        save_file(state, folder / "model.safetensors", {"format": "pt"})

    return apply


def drop(state: dict[str, torch.Tensor]) -> None:
    del state["model.norm.weight"]


def poison(value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(state: dict[str, torch.Tensor]) -> None:
        state["model.norm.weight"][3] = value

    return change


def converted(dtype: torch.dtype, *names: str) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(state: dict[str, torch.Tensor]) -> None:
        state |= {name: state[name].to(dtype) for name in names or state}

    return change


@pytest.mark.parametrize(
    ("change", "phrase", "words"),
    [
        (drop, "hub.missing_keys", "model.norm.weight"),
        (lambda state: state.update(extra=torch.ones(2)), "hub.unexplained_keys", "extra"),
        (lambda state: state.update({"model.norm.weight": torch.ones(9)}), "hub.wrong_shape", "model.norm.weight"),
        (poison(float("nan")), "hub.weights_not_finite", "model.norm.weight"),
        (poison(float("inf")), "hub.weights_not_finite", "model.norm.weight"),
        (converted(torch.int8), "hub.weights_not_float", "int8"),
        (converted(torch.float8_e4m3fn), "hub.weights_not_float", "float8"),
        (converted(torch.bfloat16, "model.norm.weight"), "hub.weights_mixed", "bfloat16, float32"),
        (lambda state: state.clear(), "hub.layers_contradiction", "0 tensors"),
    ],
)
def test_tampered_weights_say_what_is_wrong(folder: Path, change: Any, phrase: str, words: str) -> None:
    tampered(change)(folder)
    error = refused(folder)
    assert error.phrase == phrase
    assert words in str(error)


def test_one_half_precision_taken_for_the_other(folder: Path) -> None:
    tampered(converted(torch.float16))(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))
    assert refused(folder).phrase == "hub.dtype_contradiction"
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float32"}))
    hub.load(folder)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "weights.pt", "model.pkl", "model.CKPT"])
@pytest.mark.parametrize("kind", ["pickle", "torch zip", "old torch"])
def test_a_pickle_is_never_opened(folder: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "model.safetensors").unlink()
    if kind == "pickle":
        (folder / name).write_bytes(pickle.dumps(Bomb()))
    else:
        torch.save({"x": Bomb()}, folder / name, _use_new_zipfile_serialization=kind == "torch zip")
    error = refused(folder)
    assert error.phrase == "hub.pickle"
    assert name in str(error)
    assert "save_pretrained" in str(error)
    assert not (folder / "exploded").exists()


def test_folders_that_hold_no_model(folder: Path, tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere").phrase == "hub.not_a_folder"
    assert refused(folder / "config.json").phrase == "hub.not_a_folder"
    assert refused(tmp_path).phrase == "hub.not_a_model_folder"
    (folder / "model.safetensors").unlink()
    assert refused(folder).phrase == "hub.no_weights"


def test_an_unknown_architecture_names_the_known_ones(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "t5"}')
    error = refused(folder)
    assert error.phrase == "hub.unknown_architecture"
    assert "gpt2, llama, qwen3" in str(error)


@pytest.mark.parametrize(
    ("index", "phrase"),
    [
        ("{", "hub.weights_broken"),
        ("[]", "hub.weights_broken"),
        ('{"weight_map": 3}', "hub.weights_broken"),
        ('{"weight_map": {"a": 3}}', "hub.weights_broken"),
        ('{"weight_map": {"a": ["x"]}}', "hub.weights_broken"),
        ('{"weight_map": {"a": "../model.safetensors"}}', "hub.weights_broken"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "hub.weights_broken"),
        ('{"weight_map": {"a": "pytorch_model.bin"}}', "hub.weights_broken"),
        ('{"weight_map": {"a": "model-00001-of-00002.safetensors"}}', "hub.shard_missing"),
        ('{"weight_map": {}}', "hub.layers_contradiction"),
    ],
)
def test_a_broken_index_of_shards(folder: Path, index: str, phrase: str) -> None:
    (folder / "model.safetensors").rename(folder.parent / "model.safetensors")
    (folder / "model.safetensors.index.json").write_text(index)
    assert refused(folder).phrase == phrase


def test_a_broken_tokenizer(folder: Path) -> None:
    content = (folder / "tokenizer.json").read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 3):
        (folder / "tokenizer.json").write_bytes(content[:length])
        refused(folder)
    (folder / "tokenizer.json").unlink()
    refused(folder)


def test_a_zip_cut_off_or_changed_anywhere(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path / "home"))
    content = hub.export_zip(whole)
    archive = tmp_path / "model.zip"
    chance = random.Random(0)
    for _ in range(60):
        archive.write_bytes(content[: chance.randrange(len(content))])
        with pytest.raises(LearnerError):
            hub.import_zip(archive)
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(4):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        archive.write_bytes(changed)
        try:
            hub.import_zip(archive)
        except LearnerError as error:
            said(error)
    assert list((tmp_path / "home" / "cache").iterdir()) == []
