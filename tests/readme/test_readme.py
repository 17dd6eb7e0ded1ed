"""The commands and the code of both READMEs are run as they stand there."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh.md")
APP = "pip install -r requirements.txt && streamlit run app.py"
TESTS = "pip install -r requirements-dev.txt && pytest"


def blocks(readme: str, language: str = "") -> list[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    return [code for tag, code in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S) if tag == language]


def commands(readme: str) -> list[str]:
    return [line for block in blocks(readme) for line in block.splitlines() if line.startswith("python -m llmlab")]


@pytest.mark.parametrize("readme", READMES)
def test_the_two_commands_stand_there_in_exactly_these_words(readme: str) -> None:
    lines = [line for block in blocks(readme) for line in block.splitlines()]
    assert APP in lines
    assert TESTS in lines


def test_both_readmes_give_the_same_commands() -> None:
    english, chinese = (blocks(readme) for readme in READMES)
    assert english == chinese


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_first_half_is_installed_as_pinned(file: str) -> None:
    """What `pip install -r` promises, looked up without a network."""
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith(("#", "-r")):
            name, _, pinned = line.partition("==")
            assert pinned, f"{line} is not pinned"
            assert version(name).split("+")[0] == pinned, f"{name} {version(name)}"


def test_the_app_starts_with_the_second_half(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = shlex.split(APP.partition("&&")[2])
    assert words[0] == "streamlit"
    environment = os.environ | {"LLMLAB_HOME": str(tmp_path), "STREAMLIT_SERVER_PORT": str(port)}
    environment["STREAMLIT_SERVER_HEADLESS"] = "true"
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
                    assert answer.status == 200
                    return
            except OSError:
                assert process.poll() is None, process.communicate()[0].decode()
                time.sleep(0.1)
        raise AssertionError("the app did not answer")
    finally:
        process.terminate()
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()


def test_the_command_line_examples_run_in_their_order(tmp_path: Path) -> None:
    environment = os.environ | {"LLMLAB_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    for command in commands("README.md"):
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "llmlab"]
        done = subprocess.run(
            [sys.executable, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert (tmp_path / "first-model" / "model.safetensors").is_file()


@pytest.mark.parametrize("readme", READMES)
def test_the_python_example_runs(readme: str, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(readme, "python")
    exec(compile(example, readme, "exec"), {})
    assert capsys.readouterr().out.strip()
