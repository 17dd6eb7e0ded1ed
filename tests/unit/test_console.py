"""What the console prints: numbers that JSON lacks, columns, the live line, times."""

import json
import sys

import pytest

from llmlab.command_line.console import Console
from llmlab.command_line.train import clock


def test_numbers_that_json_lacks_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    Console(language="en", json=True).answer({"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": None}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": {"d": None}}


def test_columns_align_with_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    Console(language="zh", json=False).table(["名称", "b"], [["x", "1"], ["唐诗三百", "2"]])
    assert capsys.readouterr().out == "名称      b\nx         1\n唐诗三百  2\n"


def test_a_live_line_is_rewritten_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    console = Console(language="en", json=False)
    console.progress("step 10")
    console.progress("end")
    console.note("done")
    assert capsys.readouterr().err == "\rstep 10\rend    \r   \rdone\n"


def test_elsewhere_a_line_comes_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(language="en", json=False)
    for step in range(50):
        console.progress(f"step {step}")
    assert capsys.readouterr().err == "step 0\n"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (7, "0:07"), (725, "12:05"), (3600, "1:00:00")])
def test_time_is_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
