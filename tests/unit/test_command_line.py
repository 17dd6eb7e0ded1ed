"""The command line: its words, its JSON, its help, and what it leaves on stdout and stderr. Mistakes: tests/faults."""

import json
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

import llmlab
from llmlab import hub
from llmlab.command_line.opening import open_model
from llmlab.command_line.program import COMMANDS, main
from llmlab.training.config import TrainConfig, word

ROOT = Path(llmlab.__file__).parents[1]
SMALL = ["--layers", "1", "--heads", "2", "--width", "16", "--context", "16", "--batch", "4", "--threads", "1"]
TRAIN_WORDS = """--corpus tales-en --model gpt --tokenizer bpe --vocab-size 300 --recipe tiny --layers 2 --heads 2
    --kv-heads 1 --width 32 --context 16 --batch 4 --lr 0.01 --dropout 0.1 --steps 5 --seconds 9.5
    --until-val-loss 2.5 --val-fraction 0.2 --from other --seed 3 --threads 1 --device cpu --out here --resume --json"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("LLMLAB_HOME", str(folder))
        patch.delenv("LLMLAB_LANG", raising=False)
        yield folder


@pytest.fixture(scope="module")
def corpus(home: Path) -> Path:
    path = home / "pets.txt"
    path.write_text("".join(f"The cat saw {n} dogs.\nA dog saw {7 * n % 10} cats.\n" for n in range(80)))
    return path


@pytest.fixture(scope="module")
def trained(home: Path, corpus: Path) -> str:
    assert main(["train", "--corpus", str(corpus), *SMALL, "--steps", "6", "--out", "pets", "--json"]) == 0
    return "pets"


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The object that `--json` prints, when nothing else stands on stdout."""
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found: dict[str, Any] = json.loads(out)
    return found


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(list(words)) == 0
    return capsys.readouterr().out


class TestTrain:
    def test_it_answers_with_the_keys_that_scripts_rely_on(
        self, home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = answer(capsys, "train", "--corpus", str(corpus), *SMALL, "--steps", "5", "--out", "keys")
        assert list(result) == [
            "steps",
            "seconds",
            "train_loss",
            "val_loss",
            "tokens_per_second",
            "parameters",
            "checkpoint",
        ]
        assert result["steps"] == 5
        assert Path(result["checkpoint"]).parent == home / "runs" / "keys" / "checkpoints"
        assert result["parameters"] == hub.load(result["checkpoint"])[0].parameter_count()

    def test_progress_goes_to_stderr(self, home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main(["train", "--corpus", str(corpus), *SMALL, "--steps", "3", "--out", "progress"])
        output = capsys.readouterr()
        assert str(home / "runs" / "progress") in output.err
        assert "step 1" in output.err
        assert output.out.startswith("Ended at step 3 after ")
        assert output.out.count("\n") == 1

    def test_out_may_be_a_path(self, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        result = answer(
            capsys, "train", "--corpus", str(corpus), *SMALL, "--steps", "2", "--out", str(tmp_path / "run")
        )
        assert Path(result["checkpoint"]).is_relative_to(tmp_path / "run")

    def test_resume_needs_only_out(self, trained: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert answer(capsys, "train", "--out", trained, "--resume")["steps"] == 6

    def test_resume_with_full_words_starts_a_missing_run(
        self, home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["train", "--corpus", str(corpus), *SMALL, "--steps", "2", "--out", "fresh", "--resume"]
        assert answer(capsys, *words)["steps"] == 2
        assert answer(capsys, *words)["steps"] == 2

    def test_a_model_goes_on_learning(self, trained: str, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["--corpus", str(corpus), "--from", trained, "--steps", "2", "--batch", "4", "--threads", "1"]
        result = answer(capsys, "train", *words, "--out", "tuned")
        assert result["steps"] == 2

    def test_a_mistake_leaves_no_run_behind(self, home: Path, corpus: Path, tmp_path: Path) -> None:
        empty = tmp_path / "empty.txt"
        empty.touch()
        assert main(["train", "--corpus", str(empty), *SMALL, "--steps", "2", "--out", "mended"]) == 2
        assert main(["train", "--corpus", str(corpus), *SMALL, "--steps", "2", "--out", "mended"]) == 0

    def test_seconds_count_from_the_start_of_the_process(
        self, home: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        began: list[float | None] = []

        def train(run: Path, *, started: float | None, **_: object) -> None:
            began.append(started)
            raise KeyboardInterrupt

        monkeypatch.setattr("llmlab.training.loop.train", train)
        words = ["train", "--corpus", str(corpus), "--seconds", "9", "--out", "timed"]
        monkeypatch.setattr(sys, "argv", ["llmlab", *words])
        main()
        main(words)
        assert began == [pytest.approx(psutil.Process().create_time()), None]

    def test_an_interruption_before_anything_was_saved_frees_the_name(
        self, home: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("llmlab.training.loop.train", interrupt)
        assert main(["train", "--corpus", str(corpus), *SMALL, "--steps", "2", "--out", "early"]) == 130
        assert not (home / "runs" / "early").exists()

    def test_ctrl_c_stops_with_a_checkpoint(self, home: Path, corpus: Path) -> None:
        words = ["train", "--corpus", str(corpus), *SMALL, "--seconds", "100", "--out", "interrupted", "--json"]
        process = subprocess.Popen(
            [sys.executable, "-m", "llmlab", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        metrics = home / "runs" / "interrupted" / "metrics.jsonl"
        deadline = time.monotonic() + 240
        while not (metrics.exists() and metrics.read_text().count("\n") > 1) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=240)
        assert process.returncode == 130, err
        assert "Traceback" not in err
        result = json.loads(out)
        assert result["steps"] > 0
        assert (Path(result["checkpoint"]) / "model.safetensors").is_file()


class TestGenerate:
    def test_it_answers_with_new_text_and_new_tokens_only(
        self, trained: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = answer(capsys, "generate", trained, "--prompt", "The cat", "--tokens", "30", "--seed", "1")
        assert {"text", "token_ids", "seconds", "tokens_per_second"} <= set(result)
        assert len(result["token_ids"]) == 30
        _, tokenizer = hub.load(hub.home() / "runs" / trained / "checkpoints" / "step-000006")
        assert tokenizer.decode(result["token_ids"]) == result["text"]
        assert result["tokens_per_second"] == pytest.approx(30 / result["seconds"])

    def test_a_seed_repeats_and_is_told(self, trained: str, capsys: pytest.CaptureFixture[str]) -> None:
        first = answer(capsys, "generate", trained, "--tokens", "40")
        again = answer(capsys, "generate", trained, "--tokens", "40", "--seed", str(first["seed"]))
        assert again["text"] == first["text"]
        assert answer(capsys, "generate", trained, "--tokens", "1")["seed"] != first["seed"]

    def test_temperature_zero_is_greedy(self, trained: str, capsys: pytest.CaptureFixture[str]) -> None:
        greedy = answer(capsys, "generate", trained, "--prompt", "A dog", "--tokens", "8", "--temperature", "0")
        model, tokenizer = hub.load(hub.home() / "runs" / trained / "checkpoints" / "step-000006")
        ids = tokenizer.encode("A dog")
        for token in greedy["token_ids"]:
            with torch.no_grad():
                assert token == int(model(torch.tensor([ids[-16:]])).logits[0, -1].argmax())
            ids.append(token)

    def test_a_question_goes_through_the_chat_template(
        self, trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        model, tokenizer = open_model(trained)
        tokenizer.chat_template = "{{ messages[-1].content }} {{ messages[0].content }}"
        hub.save(model, tokenizer, tmp_path)
        words = ["--tokens", "9", "--seed", "1", "--prompt"]
        asked = answer(capsys, "generate", str(tmp_path), "--chat", "--system", "a dog", *words, "The cat")
        assert asked["text"] == answer(capsys, "generate", trained, *words, "The cat a dog")["text"]
        assert main(["generate", trained, "--chat", *words, "The cat"]) == 2
        assert "chat template" in capsys.readouterr().err

    def test_filters_and_stop_strings_are_obeyed(self, trained: str, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["generate", trained, "--prompt", "A", "--tokens", "60", "--seed", "4"]
        one = answer(capsys, *words, "--top-k", "1")
        assert one["token_ids"] == answer(capsys, *words, "--temperature", "0")["token_ids"]
        assert one["token_ids"] == answer(capsys, *words, "--top-p", "0.001")["token_ids"]
        assert one["token_ids"] == answer(capsys, *words, "--min-p", "1")["token_ids"]
        free = answer(capsys, *words)["text"]
        assert answer(capsys, *words, "--stop", free[5:7])["text"] == free[: free.index(free[5:7])]

    def test_a_person_reads_prompt_and_continuation(self, trained: str, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["generate", trained, "--prompt", "The cat", "--tokens", "12", "--seed", "1"]
        text = answer(capsys, *words)["text"]
        assert shown(capsys, *words) == f"The cat{text}\n"

    def test_arithmetic_is_float32_whatever_the_weights_are_kept_in(self, trained: str, tmp_path: Path) -> None:
        model, tokenizer = hub.load(hub.home() / "runs" / trained / "checkpoints" / "step-000006")
        hub.save(model.bfloat16(), tokenizer, tmp_path / "half")
        assert open_model(str(tmp_path / "half"))[0].head.weight.dtype == torch.float32

    def test_a_folder_and_a_run_folder_serve_as_a_name_does(
        self, trained: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = hub.home() / "runs" / trained
        texts = [
            answer(capsys, "generate", str(place), "--tokens", "20", "--seed", "2")["text"]
            for place in (trained, run, run / "checkpoints" / "step-000006")
        ]
        assert len(set(texts)) == 1


def test_score_answers_in_three_units(trained: str, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(capsys, "score", trained, str(corpus))
    assert list(result) == ["tokens", "characters", "loss_per_token", "perplexity", "bits_per_character"]
    assert result["tokens"] == result["characters"] == len(corpus.read_text()) - 1
    assert f"{result['bits_per_character']:.4f} bits per character" in shown(capsys, "score", trained, str(corpus))


def test_weights_of_eight_bits_score_nearly_the_same_and_write(
    trained: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exact, rounded = (
        answer(capsys, "score", trained, str(corpus), "--weights", kind)["loss_per_token"]
        for kind in ("float32", "int8")
    )
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.01)
    written = answer(capsys, "generate", trained, "--tokens", "10", "--weights", "int8")
    assert len(written["token_ids"]) == 10


class TestExportAndImport:
    def test_transformers_opens_what_was_exported(
        self, trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = tmp_path / "out" / "model"
        assert answer(capsys, "export", trained, str(folder))["path"] == str(folder)
        model, tokenizer = hub.load(hub.home() / "runs" / trained / "checkpoints" / "step-000006")
        theirs = AutoModelForCausalLM.from_pretrained(folder)
        ids = AutoTokenizer.from_pretrained(folder)("The cat saw", return_tensors="pt").input_ids
        assert ids[0].tolist() == tokenizer.encode("The cat saw")
        with torch.no_grad():
            torch.testing.assert_close(theirs(ids).logits, model(ids).logits)
        assert not {"optimizer.safetensors", "state.json"} & {path.name for path in folder.iterdir()}
        assert [path.name for path in folder.parent.iterdir()] == ["model"]

    def test_a_zip_holds_the_same_folder(
        self, trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer(capsys, "export", trained, str(tmp_path / "pets.zip"))
        with zipfile.ZipFile(tmp_path / "pets.zip") as archive:
            assert {"pets/config.json", "pets/model.safetensors", "pets/tokenizer.json"} <= set(archive.namelist())

    def test_an_import_is_found_by_its_name(
        self, trained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer(capsys, "export", trained, str(tmp_path / "model"))
        answer(capsys, "export", trained, str(tmp_path / "model.zip"))
        for source, name in ((tmp_path / "model", "bought"), (tmp_path / "model.zip", "bought-zipped")):
            assert answer(capsys, "import", str(source), name)["path"] == str(hub.home() / "runs" / name)
            words = ["--tokens", "9", "--seed", "5"]
            assert (
                answer(capsys, "generate", name, *words)["text"] == answer(capsys, "generate", trained, *words)["text"]
            )
        listed = {run["name"]: run["state"] for run in answer(capsys, "list")["runs"]}
        assert listed["bought"] == "imported"
        assert listed[trained] == "finished"


class TestList:
    def test_models_corpora_and_runs_are_listed(self, trained: str, capsys: pytest.CaptureFixture[str]) -> None:
        result = answer(capsys, "list")
        assert {"shakespeare-gpt", "tang-gpt"} <= {entry["name"] for entry in result["models"]}
        assert {"shakespeare", "tang", "tales-en", "tales-zh"} <= {entry["name"] for entry in result["corpora"]}
        run = next(run for run in result["runs"] if run["name"] == trained)
        assert run["step"] == 6
        for name in ("shakespeare-gpt", "tales-zh", trained):
            assert name in shown(capsys, "list")
            assert name in shown(capsys, "list", "--lang", "zh")

    def test_it_needs_neither_torch_nor_transformers(self, home: Path) -> None:
        code = (
            "import sys; from llmlab.command_line.program import main; main(['list'])\n"
            "assert not {'torch', 'transformers', 'pandas'} & set(sys.modules), 'heavy'"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_fetch_tells_where_a_thing_lies(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "fetch", "tales-en")["name"] == "tales-en"


class TestHelp:
    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_itself(
        self, command: str, language: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = shown(capsys, command, "--help", "--lang", language)
        assert "--json" in text
        assert ("显示帮助" in text) == (language == "zh")

    def test_every_field_of_a_run_is_an_option(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = shown(capsys, "train", "--help")
        assert not [word(field.name) for field in fields(TrainConfig) if word(field.name) not in text]

    def test_the_words_other_people_rely_on_are_understood(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from llmlab.command_line import train

        seen: list[dict[str, Any]] = []
        monkeypatch.setattr(train, "run", lambda arguments, console: seen.append(vars(arguments)) or {})
        assert main(["train", *TRAIN_WORDS.split()]) == 0
        assert len([value for value in seen[0].values() if value not in (None, False)]) >= len(
            [w for w in TRAIN_WORDS.split() if w.startswith("--")]
        )
        assert seen[0]["init_from"] == "other"
        assert seen[0]["until_val_loss"] == 2.5

    def test_words_are_not_abbreviated(self) -> None:
        """So that a word added later never changes what a script means."""
        assert main(["train", "--corp", "tales-en"]) == 2

    def test_the_language_comes_from_the_environment_too(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("LLMLAB_LANG", "zh_CN.UTF-8")
        assert main(["fetch", "nothing"]) == 2
        assert any("\u4e00" <= character <= "\u9fff" for character in capsys.readouterr().err)


class TestStreams:
    def test_whatever_a_library_prints_stays_off_stdout(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from llmlab.command_line import list_

        monkeypatch.setattr(list_, "run", lambda arguments, console: print("noise") or {"a": 1})
        assert answer(capsys, "list") == {"a": 1}

    def test_a_reader_that_leaves_early_is_no_failure(self, home: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "llmlab", "list"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait()
