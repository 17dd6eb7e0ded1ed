"""Checks a learner's code in a process of its own, with a limit on time and memory: never in the app's.

`python -m llmlab.course.sandbox NAME` reads the code from standard input and writes one JSON object.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmlab.course.checking import check, exercise
from llmlab.i18n import Language, say

SECONDS = 20
MEMORY = 4 << 30
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


def try_code(name: str, code: str, language: Language) -> Trial:
    """Run the code and check the function that it defines."""
    if len(code) > LONGEST_CODE:
        return Trial(passed=False, message=say("course.code_too_long", language, longest=LONGEST_CODE))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "llmlab.course.sandbox", name, language],
            input=code,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            env=_environment(),
            cwd=Path(__file__).parents[2],
        )
    except subprocess.TimeoutExpired:
        return Trial(passed=False, message=say("course.code_too_slow", language, seconds=SECONDS))
    lines = done.stdout.splitlines()
    try:
        return Trial(**json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError):
        return Trial(passed=False, message=say("course.code_died", language), detail=done.stderr[-LONGEST_OUTPUT:])


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

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _check(name: str, code: str, language: Language) -> Trial:
    printed = io.StringIO()
    names: dict[str, Any] = {"__name__": "exercise"}
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "exercise.py", "exec"), names)  # the learner's own, in this process of its own
        except Exception as error:
            detail = "".join(traceback.format_exception(error)[2:])[-LONGEST_OUTPUT:]
            said = say("course.code_raised", language, error=f"{type(error).__name__}: {error}")
            return Trial(passed=False, message=said, printed=_cut(printed), detail=detail)
        if name not in names:
            return Trial(passed=False, message=say("course.code_lacks", language, name=name), printed=_cut(printed))
        verdict = check(name, names[name], language=language)
    return Trial(passed=verdict.passed, message=verdict.say(language), printed=_cut(printed))


def _cut(printed: io.StringIO) -> str:
    return printed.getvalue()[:LONGEST_OUTPUT]


def main(words: list[str]) -> int:
    """The child: what it prints last is the result."""
    name, language = words
    exercise(name)
    import torch

    torch.set_num_threads(1)
    _limit_memory()
    trial = _check(name, sys.stdin.read(), "zh" if language == "zh" else "en")
    print(json.dumps(trial.__dict__, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
