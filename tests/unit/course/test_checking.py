"""Each exercise passes with its answer, not with its stub, and recognises the mistakes that it names."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from llmlab.course.checking import check, exercises
from llmlab.course.progress import Progress, add, load
from llmlab.course.sandbox import try_code
from llmlab.i18n import LearnerError

NAMES = list(exercises())


def defined(name: str, code: str):
    names: dict = {}
    exec(code, names)
    return names[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_passes_and_the_stub_does_not(name: str) -> None:
    task = exercises()[name]
    assert check(name, defined(name, task.answer)), check(name, defined(name, task.answer))
    assert not check(name, defined(name, task.stub))


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in NAMES for i in range(len(exercises()[n].mistakes))])
def test_a_known_mistake_is_recognised(name: str, number: int) -> None:
    mistake = exercises()[name].mistakes[number]
    verdict = check(name, mistake.function)
    assert not verdict
    assert verdict.hint == mistake.hint


def test_a_right_output_without_a_gradient_is_not_enough() -> None:
    verdict = check("softmax", lambda x: torch.softmax(x.detach(), -1))
    assert not verdict
    assert "gradient" in verdict.say("en")
    assert "梯度" in verdict.say("zh")


@pytest.mark.parametrize(
    ("name", "function", "phrase"),
    [
        ("softmax", lambda x: x.sub_(x.amax(-1, keepdim=True)).softmax(-1), "course.check_gradient_raised"),
        ("softmax", lambda x: torch.from_numpy(x.numpy()).softmax(-1), "course.check_gradient_raised"),
        ("bpe_merge", lambda *_: torch.arange(3), "course.check_value"),
        ("cross_entropy", lambda logits, targets: logits, "course.check_shape"),
    ],
    ids=["in place", "by way of numpy", "a tensor for a list", "not reduced"],
)
def test_whatever_a_function_does_is_told_in_a_sentence(name, function, phrase) -> None:
    assert check(name, function).phrase == phrase


@pytest.mark.parametrize("tick", [0.0, 1 / 64], ids=["fine clocks", "as on Windows"])
def test_a_loop_over_numbers_is_too_slow(tick: float, monkeypatch) -> None:
    if tick:
        monkeypatch.setattr(time, "thread_time", lambda: time.perf_counter() // tick * tick)

    def softmax(x):
        rows = [torch.stack([(v - row.max()).exp() for v in row]) for row in x.reshape(-1, x.shape[-1])]
        return torch.stack([row / row.sum() for row in rows]).view(x.shape)

    verdict = check("softmax", softmax)
    assert verdict.phrase == "course.check_slow"


def test_an_exercise_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(LearnerError, match="softmax"):
        check("sofmax", lambda x: x)


def test_code_runs_in_a_process_of_its_own() -> None:
    import os

    trial = try_code("softmax", "import os\nprint(os.getpid(), 'LLMLAB_ANSWERS' in os.environ)\n", "en")
    assert not trial.passed
    assert "softmax" in trial.message
    assert str(os.getpid()) not in trial.printed
    assert "False" in trial.printed


def test_code_that_raises_is_told_with_its_place() -> None:
    trial = try_code("softmax", "x = 1\nraise KeyError('y')\n", "zh")
    assert "KeyError" in trial.message
    assert "line 2" in trial.detail
    assert not trial.message.isascii()


def test_code_that_does_not_end_is_ended() -> None:
    trial = try_code("softmax", "while True: pass", "en", seconds=1)
    assert "after 1 second" in trial.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_code_that_wants_all_memory_does_not_get_it() -> None:
    assert "MemoryError" in try_code("softmax", "x = bytearray(64 << 30)", "en").message


def test_code_that_leaves_or_prints_without_end_does_no_harm() -> None:
    left = try_code("softmax", "import os\nos._exit(0)", "en")
    assert not left.passed
    assert "without a result" in left.message
    printed = try_code("softmax", "for _ in range(100_000):\n    print('x' * 100)", "en").printed
    assert 1_000 < len(printed) <= 4_000


def test_windows_that_save_at_once_lose_nothing(tmp_path) -> None:
    with ThreadPoolExecutor(8) as windows:
        list(windows.map(lambda n: add(Progress(opened=[n], predicted={f"a/{n}": n}), None, tmp_path), range(40)))
    assert load(None, tmp_path) == Progress(opened=list(range(40)), predicted={f"a/{n}": n for n in range(40)})


def test_progress_is_kept_merged_and_never_spoilt(tmp_path) -> None:
    add(Progress(opened=[6], predicted={"a/b": 1}, passed=["softmax"]), None, tmp_path)
    read = load(None, tmp_path)
    assert read.merged(Progress(opened=[7], predicted={"a/b": 0})).predicted == {"a/b": 1}
    assert Progress.from_json(read.to_json()) == read
    (tmp_path / "progress" / "local.json").write_text("{")
    assert load(None, tmp_path) == Progress()
    with pytest.raises(LearnerError):
        Progress.from_json('{"opened": 3}')
