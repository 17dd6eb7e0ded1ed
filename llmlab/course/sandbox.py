"""Checks a learner's code in a process of its own, with a limit on time and memory: never in the app's.

`python -m llmlab.course.sandbox NAME LANGUAGE SECONDS` reads the code from standard input and writes one JSON object.
The limits keep a mistake from doing harm; they are no wall against somebody who wants to.
"""

import contextlib
import faulthandler
import io
import json
import os
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from llmlab.course.checking import check, exercise, what_was_raised
from llmlab.i18n import Language, say

SECONDS = 20
"""For the learner's code; loading the libraries does not count."""
TO_LOAD = 120
"""Seconds in which a slow machine has loaded them."""
MEMORY = 4 << 30
"""Bytes that the learner's code may take, beside what the libraries hold."""
TIMED_OUT = "Timeout ("  # how `faulthandler` begins
LONGEST_CODE = 20_000
LONGEST_OUTPUT = 4_000


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What became of a learner's code."""

    passed: bool
    message: str
    printed: str = ""
    detail: str = ""
    """The traceback of the learner's own code, if it raised."""


def try_code(name: str, code: str, language: Language, *, seconds: int = SECONDS) -> Trial:
    """Run the code and check the function that it defines."""
    if len(code) > LONGEST_CODE:
        return Trial(passed=False, message=say("course.code_too_long", language, longest=LONGEST_CODE))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "llmlab.course.sandbox", name, language, str(seconds)],
            input=code,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TO_LOAD + seconds,
            env=_environment(),
            cwd=Path(__file__).parents[2],
        )
    except subprocess.TimeoutExpired:
        return _too_slow(language, seconds)
    if done.returncode and TIMED_OUT in done.stderr:
        return _too_slow(language, seconds)
    lines = done.stdout.splitlines()
    try:
        return Trial(**json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError):
        return Trial(passed=False, message=say("course.code_died", language), detail=done.stderr[-LONGEST_OUTPUT:])


def _too_slow(language: Language, seconds: int) -> Trial:
    return Trial(passed=False, message=say("course.code_too_slow", language, seconds=seconds))


def _environment() -> dict[str, str]:
    """The environment without what a learner's code has no business to read."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMP", "VIRTUAL_ENV", "LLMLAB_HOME")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
    }


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        most = psutil.Process().memory_info().vms + MEMORY  # torch built for CUDA reserves some gigabytes by itself
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _check(name: str, code: str, language: Language) -> Trial:
    printed = _Beginning()
    names: dict[str, Any] = {"__name__": "exercise"}
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "exercise.py", "exec"), names)  # the learner's own, in this process of its own
        except Exception as error:
            detail = "".join(traceback.format_exception(error)[2:])[-LONGEST_OUTPUT:]
            said = say("course.code_raised", language, error=what_was_raised(error))
            return Trial(passed=False, message=said, printed=printed.getvalue(), detail=detail)
        if name not in names:
            return Trial(
                passed=False, message=say("course.code_lacks", language, name=name), printed=printed.getvalue()
            )
        verdict = check(name, names[name], language=language)
    return Trial(passed=verdict.passed, message=verdict.say(language), printed=printed.getvalue())


class _Beginning(io.StringIO):
    """Keeps the first characters: a loop that prints shall not fill the memory."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, LONGEST_OUTPUT - self.tell())])
        return len(text)


def main(words: list[str]) -> int:
    """The child: what it prints last is the result."""
    name, language, seconds = words
    task = exercise(name)
    import torch

    torch.set_num_threads(1)
    task.reference(*task.cases()[0])  # it may load a library of its own
    _limit_memory()
    faulthandler.dump_traceback_later(float(seconds), exit=True)  # also out of a loop that never comes back to Python
    trial = _check(name, sys.stdin.read(), "zh" if language == "zh" else "en")
    print(json.dumps(trial.__dict__, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
