"""A person's mistake is one sentence on stderr and exit code 2: no traceback, nothing on stdout, nothing lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import llmlab
from llmlab.command_line.program import main

SMALL = ["--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "4", "--threads", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory, with a trained run and everything that can go wrong with a text or a model."""
    place = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMLAB_HOME", str(place / "home"))
        patch.delenv("LLMLAB_LANG", raising=False)
        patch.chdir(place)
        _texts(place)
        words = ["train", "--corpus", "good.txt", *SMALL, "--steps", "4", "--checkpoint-seconds", "0.01"]
        assert main([*words, "--out", "trained"]) == 0
        _models(place, next((place / "home" / "runs" / "trained" / "checkpoints").glob("step-*")))
        yield place


def _texts(place: Path) -> None:
    (place / "good.txt").write_text("".join(f"The cat saw {n} dogs.\n" for n in range(120)))
    (place / "empty.txt").touch()
    (place / "blank.txt").write_text(" \n\n  \n")
    (place / "letter.txt").write_text("a")
    (place / "symbol.txt").write_text("a" * 5000)
    (place / "short.txt").write_text("abcdefgh" * 3)
    (place / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (place / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    (place / "broken.jsonl").write_text('{"text": "a"\n{]')
    (place / "greek.txt").write_text("The cat saw Ω dogs and Ψ cats.")
    (place / "folder").mkdir()
    (place / "full").mkdir()
    (place / "full" / "thesis.txt").write_text("years of work")


def _models(place: Path, checkpoint: Path) -> None:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(checkpoint, place / name))

    weights = copy("truncated") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    weights = copy("garbled") / "model.safetensors"
    weights.write_bytes(b"\xff" * 64 + weights.read_bytes()[64:])
    (copy("without-weights") / "model.safetensors").unlink()
    (copy("without-tokenizer") / "tokenizer.json").unlink()
    pickled = copy("pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    for name, change in (("alien", {"model_type": "mamba"}), ("bloated", {"hidden_size": 32, "n_embd": 32})):
        config = copy(name) / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | change))
    (copy("mangled") / "config.json").write_text('{"model_type": "gpt2",')


TRAIN = ["train", "--corpus", "good.txt", *SMALL, "--steps", "2"]
MISTAKES = {
    # the words themselves
    "no command": ([], "COMMAND"),
    "unknown command": (["teach"], "teach"),
    "unknown word": (["train", "--depth", "3"], "--depth"),
    "not a number": (["train", "--corpus", "good.txt", "--steps", "many"], "many"),
    "unknown choice": (["train", "--corpus", "good.txt", "--model", "lstm"], "lstm"),
    "word without value": (["generate", "trained", "--prompt"], "--prompt"),
    "nothing to list more": (["list", "everything"], "everything"),
    # corpora
    "no corpus": (["train", "--steps", "2"], "--corpus"),
    "missing file": (["train", "--corpus", "missing.txt"], "missing.txt"),
    "folder as corpus": (["train", "--corpus", "folder"], "folder"),
    "empty": (["train", "--corpus", "empty.txt", "--out", "x"], "empty"),
    "blank": (["train", "--corpus", "blank.txt", "--out", "x"], ""),
    "one character": (["train", "--corpus", "letter.txt", "--out", "x"], ""),
    "one symbol": (["train", "--corpus", "symbol.txt", "--out", "x"], ""),
    "shorter than the context": (["train", "--corpus", "short.txt", *SMALL, "--context", "64", "--out", "x"], "64"),
    "binary": (["train", "--corpus", "binary.txt", "--out", "x"], ""),
    "picture": (["train", "--corpus", "picture.png", "--out", "x"], "picture.png"),
    "broken jsonl": (["train", "--corpus", "broken.jsonl", "--out", "x"], "broken.jsonl"),
    # sizes and settings
    "heads do not divide the width": ([*TRAIN, "--heads", "3"], "heads"),
    "kv heads do not divide the heads": ([*TRAIN, "--kv-heads", "4"], "heads"),
    "no layers": ([*TRAIN, "--layers", "0"], "layers"),
    "negative width": ([*TRAIN, "--width", "-16"], "width"),
    "more than memory holds": ([*TRAIN, "--width", "262144", "--layers", "400"], "memory"),
    "a batch that memory cannot hold": ([*TRAIN, "--batch", "1000000000"], "memory"),
    "a context that memory cannot hold": ([*TRAIN, "--corpus", "tales-en", "--context", "1000000000"], ""),
    "more than numbers hold": ([*TRAIN, "--width", "1" + "0" * 30], ""),
    "no steps": ([*TRAIN, "--steps", "0"], "--steps"),
    "learning rate below zero": ([*TRAIN, "--lr", "-1"], "--lr"),
    "learning rate that is no number": ([*TRAIN, "--lr", "nan"], "--lr"),
    "all of the text for validation": ([*TRAIN, "--val-fraction", "1"], "--val-fraction"),
    "dropout of everything": ([*TRAIN, "--dropout", "1"], "--dropout"),
    "vocabulary size for characters": ([*TRAIN, "--vocab-size", "-5"], "vocab"),
    "a vocabulary smaller than the bytes": ([*TRAIN, "--tokenizer", "bpe", "--vocab-size", "10"], "256"),
    "unknown recipe": ([*TRAIN, "--recipe", "pasta"], "pasta"),
    "unknown cleaning": ([*TRAIN, "--cleaning", "soap"], "soap"),
    "unknown device": ([*TRAIN, "--device", "abacus"], "abacus"),
    "seed below zero": ([*TRAIN, "--seed", "-1"], "--seed"),
    "threads below one": ([*TRAIN, "--threads", "0"], "--threads"),
    # runs
    "existing run": ([*TRAIN, "--out", "trained"], "--resume"),
    "a name that is no name": ([*TRAIN, "--out", "what?*"], "what?*"),
    "folder in use": ([*TRAIN, "--out", "./full"], "full"),
    "file in the way": ([*TRAIN, "--out", "./good.txt"], "good.txt"),
    "resume without a name": (["train", "--resume"], "--out"),
    "resume of nothing": (["train", "--resume", "--out", "never"], "never"),
    "resume against the run": (["train", "--resume", "--out", "trained", "--width", "32"], "--width 16"),
    "fine-tuning another shape": ([*TRAIN, "--from", "trained", "--width", "64"], "--width"),
    "fine-tuning nothing": (["train", "--corpus", "good.txt", "--from", "nobody"], "nobody"),
    "fine-tuning with characters that it lacks": (
        ["train", "--corpus", "greek.txt", "--from", "trained", "--out", "x"],
        "Ω",
    ),
    # models
    "unknown model": (["generate", "nobody"], "nobody"),
    "a name of two lines": (["generate", "no\nbody"], "no body"),
    "missing path": (["generate", "./nowhere"], "nowhere"),
    "a file as model": (["generate", "good.txt"], "good.txt"),
    "a folder without model": (["generate", "./full"], "full"),
    "truncated weights": (["generate", "truncated"], "model.safetensors"),
    "garbled weights": (["score", "garbled", "good.txt"], "model.safetensors"),
    "no weights": (["generate", "without-weights"], ""),
    "no tokenizer": (["generate", "without-tokenizer"], "tokenizer"),
    "a pickle": (["generate", "pickled"], "pytorch_model.bin"),
    "unknown architecture": (["generate", "alien"], "mamba"),
    "config of another size": (["generate", "bloated"], ""),
    "config that is no JSON": (["generate", "mangled"], "config.json"),
    # generation
    "prompt with characters that it lacks": (["generate", "trained", "--prompt", "The Ω"], "Ω"),
    "prompt that is no text": (["generate", "trained", "--prompt", "\udcff"], "UTF-8"),
    "no tokens": (["generate", "trained", "--tokens", "0"], "0"),
    "cold": (["generate", "trained", "--temperature", "-1"], "temperature"),
    "top-k of none": (["generate", "trained", "--top-k", "0"], "top_k"),
    "top-p above one": (["generate", "trained", "--top-p", "1.5"], "top_p"),
    "min-p above one": (["generate", "trained", "--min-p", "2"], "min_p"),
    "empty stop string": (["generate", "trained", "--stop", ""], "stop"),
    # score
    "no file to score": (["score", "trained", "missing.txt"], "missing.txt"),
    "text with characters that it lacks": (["score", "trained", "greek.txt"], "Ω"),
    "nothing to predict": (["score", "trained", "letter.txt"], ""),
    # export, import, fetch
    "export of nothing": (["export", "nobody", "out"], "nobody"),
    "export over other files": (["export", "trained", "full"], "full"),
    "export over a file": (["export", "trained", "good.txt"], "good.txt"),
    "export of a damaged model": (["export", "truncated", "out"], "model.safetensors"),
    "import of nothing": (["import", "nobody", "mine"], "nobody"),
    "import of no model": (["import", "./full", "mine"], "full"),
    "import of a text": (["import", "good.txt", "mine"], "good.txt"),
    "import over a run": (["import", "alien", "trained"], "trained"),
    "fetch of nothing": (["fetch", "nothing"], "nothing"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence(case: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, named = MISTAKES[case]
    capsys.readouterr()
    before = _kept(place)
    code = main(words)
    output = capsys.readouterr()
    assert code == 2, output
    assert output.out == ""
    assert output.err.count("\n") == 1, output.err
    assert output.err.startswith("llmlab: ")
    assert output.err.rstrip()[-1] in ".;`", output.err
    assert named.lower() in output.err.lower()
    assert "Traceback" not in output.err
    assert _kept(place) == before


def _kept(place: Path) -> dict[Path, int]:
    """Every file of the learner's, by its time of change: a mistake neither adds nor takes any."""
    ours = (".partial", ".json", "lock", "log.txt")
    return {
        path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file() and not path.name.endswith(ours)
    }


@pytest.mark.parametrize("case", ["empty", "one symbol", "unknown model", "top-k of none", "import over a run"])
def test_a_mistake_is_told_in_chinese_too(case: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*MISTAKES[case][0], "--lang", "zh"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert any("\u4e00" <= character <= "\u9fff" for character in said)


@pytest.mark.parametrize("case", ["one symbol", "pickled", "prompt that is no text"])
def test_the_process_ends_so_too(case: str, place: Path) -> None:
    words = ["generate", "pickled"] if case == "pickled" else MISTAKES[case][0]
    process = subprocess.run(
        [sys.executable, "-m", "llmlab", *words, "--json"],
        env=os.environ | {"PYTHONPATH": str(Path(llmlab.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.count("\n") == 1, process.stderr
    assert "Traceback" not in process.stderr


def test_a_refusal_of_the_system_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from llmlab.command_line import list_

    for error, named in ((OSError(28, "No space left on device"), "No space"), (MemoryError(), "memory")):

        def refuse(arguments: object, console: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(list_, "run", refuse)
        assert main(["list"]) == 2
        said = capsys.readouterr().err
        assert named in said
        assert said.count("\n") == 1


def test_our_own_faults_are_not_hidden(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmlab.command_line import list_

    def fail(arguments: object, console: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(list_, "run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["list"])


def test_interrupting_is_no_mistake(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from llmlab.command_line import list_

    def interrupt(arguments: object, console: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(list_, "run", interrupt)
    assert main(["list"]) == 130
    assert "Traceback" not in capsys.readouterr().err
