"""`plan` on the command line."""

import json
import subprocess
import sys

import pytest

from llmlab.command_line.plan import number
from llmlab.command_line.program import main
from llmlab.i18n import LearnerError
from llmlab.training import cost


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    monkeypatch.setattr(cost, "_speed", lambda: 1e11)


@pytest.mark.parametrize(
    ("word", "value"),
    [("124M", 124_000_000), ("1.5B", 1_500_000_000), ("10k", 10_000), ("2e9", 2 * 10**9), ("1,000", 1000), ("7", 7)],
)
def test_numbers_as_people_write_them(word, value):
    assert number("--params", word) == value


@pytest.mark.parametrize("word", ["", "abc", "nan", "1e400", "12X", "1.2.3", "-"])
def test_what_is_no_number(word):
    with pytest.raises(LearnerError, match="not a number"):
        number("--params", word)


def test_the_object_has_every_range(capsys):
    assert main(["plan", "--params", "1M", "--tokens", "2M", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (option,) = found["options"]
    for name in ("seconds", "memory", "watts", "watt_hours"):
        assert 0 < option[f"{name}_low"] < option[f"{name}_high"]
    assert found["tokens"] == 2_000_000
    assert found["compute_optimal_tokens"] == 20 * found["parameters"]
    assert any("Hoffmann" in note for note in found["notes"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_what_a_person_reads(capsys, language, device):
    words = ["plan", "--params", "124M", "--tokens", "2.5B", "--device", device, "--lang", language]
    assert main([*words, "--corpus", "tang"]) == 0
    out = capsys.readouterr().out
    assert "50,257" in out
    assert "tang" in out
    assert "Wh" in out
    assert "cli." not in out


def test_a_file_is_read_so_many_times(capsys, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("cats " * 2000)
    assert main(["plan", "--params", "50k", "--tokens", "18k", "--corpus", str(text), "--json", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(
    "words",
    [
        ["--params", "0", "--tokens", "1M"],
        ["--params", "1M", "--tokens", "-5"],
        ["--params", "1M", "--tokens", "1M", "--device", "tpu"],
        ["--params", "1000T", "--tokens", "1M"],
        ["--params", "1M", "--tokens", "1M", "--corpus", "nowhere.txt"],
        ["--params", "1M"],
    ],
)
def test_a_mistake_is_one_sentence(capsys, words):
    assert main(["plan", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("llmlab: ")
    assert said.err.count("\n") == 1


def test_no_torch_is_loaded():
    code = (
        "import sys; from llmlab.command_line.program import main;"
        "main(['plan', '--params', '1M', '--tokens', '1M', '--corpus', 'tang', '--device', 'cpu']);"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
