"""Exercises that check themselves: `check("softmax", my_function)` in a notebook, the same behind the app's page.

A function is right when it agrees with the reference on every case, in its output and in its gradient, and is not far
slower. A known mistake is recognised by its output, so that the answer can say what is wrong rather than that it is.
"""

import importlib
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from llmlab.course.task import Exercise
from llmlab.course.unit import Words
from llmlab.i18n import Language, LearnerError, say

SECONDS_TO_MEASURE = 0.05
FEWEST_CALLS = 3


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check found."""

    passed: bool
    phrase: str
    parameters: dict[str, object] = field(default_factory=dict)
    hint: Words | None = None
    """What the known mistake is, if it is one."""
    language: Language = "en"

    def say(self, language: Language) -> str:
        """The sentence in a language."""
        said = say(self.phrase, language, **self.parameters)
        return said if self.hint is None else f"{said} {self.hint[language]}"

    def __repr__(self) -> str:
        return self.say(self.language)

    def __bool__(self) -> bool:
        return self.passed


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by name, in order of chapter and file."""
    from llmlab.course import exercises as room

    found = [importlib.import_module(f"{room.__name__}.{m.name}").EXERCISE for m in pkgutil.iter_modules(room.__path__)]
    return {exercise.name: exercise for exercise in sorted(found, key=lambda e: e.chapter)}


def exercise_names() -> list[str]:
    """The names alone, without loading what the exercises need."""
    from llmlab.course import exercises as room

    return [module.name for module in pkgutil.iter_modules(room.__path__)]


def exercise(name: str) -> Exercise:
    """An exercise by name. Raises LearnerError for a name there is not."""
    try:
        return exercises()[name]
    except KeyError:
        raise LearnerError("course.no_exercise", name=name, names=", ".join(exercises())) from None


def check(name: str, function: Callable[..., Any], *, language: Language | None = None) -> Verdict:
    """Try a function on an exercise. In a notebook the sentence is in the notebook's language."""
    from llmlab.course.notebook_side import current_language

    task, language = exercise(name), language or current_language()

    def verdict(passed: bool, key: str, hint: Words | None = None, **parameters: object) -> Verdict:
        return Verdict(passed=passed, phrase=f"course.check_{key}", parameters=parameters, hint=hint, language=language)

    if not callable(function):
        return verdict(False, "not_callable", name=name)
    for number, case in enumerate(task.cases(), start=1):
        expected = task.reference(*_copies(case))
        try:
            found = function(*_copies(case))
        except Exception as error:  # whatever a learner's code raises is told, not thrown
            return verdict(False, "raised", number=number, error=what_was_raised(error))
        if found is None:
            return verdict(False, "none")
        wrong = _difference(found, expected, task.tolerance)
        if wrong is not None:
            key, parameters = wrong
            shown = _shown(case)
            return verdict(False, key, _known(task, case, found), number=number, case=shown, **parameters)
        if not task.gradient:
            continue
        try:
            ours = _gradients(function, case)
        except Exception as error:  # it changes its arguments, or leaves torch
            return verdict(False, "gradient_raised", number=number, error=what_was_raised(error))
        if (off := _gradient_difference(task, ours, case)) is not None:
            return verdict(False, "gradient", _known_gradient(task, ours, case), number=number, **off)
    ratio = _time(function, task) / _time(task.reference, task)
    if ratio > task.slowest:
        return verdict(False, "slow", ratio=f"{ratio:.0f}", slowest=f"{task.slowest:.0f}")
    return verdict(True, "right_with_gradient" if task.gradient else "right", ratio=f"{ratio:.1f}")


def what_was_raised(error: Exception) -> str:
    """As Python says it: "ValueError: too few", or "MemoryError" alone."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _copies(case: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that a function may change without spoiling the next call."""
    import copy

    import torch

    return tuple(a.detach().clone() if isinstance(a, torch.Tensor) else copy.deepcopy(a) for a in case)


def _difference(found: Any, expected: Any, tolerance: float) -> tuple[str, dict[str, object]] | None:
    import torch

    if isinstance(expected, tuple | list) and any(isinstance(e, torch.Tensor) for e in expected):
        if not isinstance(found, tuple | list) or len(found) != len(expected):
            return "count", {"expected": len(expected)}
        pairs = (_difference(f, e, tolerance) for f, e in zip(found, expected, strict=True))
        return next((pair for pair in pairs if pair is not None), None)
    if not isinstance(expected, torch.Tensor):
        single = isinstance(found, int | float) or (isinstance(found, torch.Tensor) and found.numel() == 1)
        if isinstance(expected, float) and single:
            found, expected = torch.tensor(float(found)), torch.tensor(expected)
        elif _equal(found, expected):
            return None
        else:
            return "value", {"found": _short(found), "expected": _short(expected)}
    if not isinstance(found, torch.Tensor):
        return "not_a_tensor", {"kind": type(found).__name__}
    if found.shape != expected.shape:
        return "shape", {"found": tuple(found.shape), "expected": tuple(expected.shape)}
    if torch.allclose(found.to(expected.dtype), expected, rtol=tolerance, atol=tolerance, equal_nan=True):
        return None
    off = (found.to(expected.dtype) - expected).abs().nan_to_num(nan=torch.inf)
    place = tuple(int(i) for i in torch.unravel_index(off.argmax(), off.shape)) if off.dim() else ()
    return "value_at", {
        "place": list(place),
        "found": f"{float(found[place]):.4g}",
        "expected": f"{float(expected[place]):.4g}",
    }


def _equal(found: Any, expected: Any) -> bool:
    try:
        return bool(found == expected)
    except Exception:  # an array, or whatever else does not compare as a whole
        return False


def _gradient_difference(task: Exercise, ours: list[Any], case: tuple[Any, ...]) -> dict[str, object] | None:
    theirs = _gradients(task.reference, case)
    for index, (found, expected) in enumerate(zip(ours, theirs, strict=True), start=1):
        if expected is None:
            continue
        if found is None or _difference(found, expected, 10 * task.tolerance) is not None:
            return {"argument": index}
    return None


def _gradients(function: Callable[..., Any], case: tuple[Any, ...]) -> list[Any]:
    """Of a fixed weighting of the outputs, with respect to each floating-point tensor."""
    import torch

    arguments = _copies(case)
    inputs = [a.requires_grad_() for a in arguments if isinstance(a, torch.Tensor) and a.is_floating_point()]
    out = function(*arguments)
    outs = [o for o in (out if isinstance(out, tuple | list) else [out]) if isinstance(o, torch.Tensor)]
    weighted = [
        (o.nan_to_num(posinf=0, neginf=0) * torch.linspace(1, 2, o.numel()).view(o.shape)).sum()
        for o in outs
        if o.requires_grad
    ]
    if not weighted:
        return [None] * len(inputs)
    return list(torch.autograd.grad(torch.stack(weighted).sum(), inputs, allow_unused=True))


def _known(task: Exercise, case: tuple[Any, ...], found: Any) -> Words | None:
    for mistake in task.mistakes:
        try:
            if _difference(found, mistake.function(*_copies(case)), task.tolerance) is None:
                return mistake.hint
        except Exception:  # a mistake that cannot take this case is not the one made
            continue
    return None


def _known_gradient(task: Exercise, ours: list[Any], case: tuple[Any, ...]) -> Words | None:
    for mistake in task.mistakes:
        try:
            theirs = _gradients(mistake.function, case)
        except Exception:
            continue
        if all(
            (f is None) == (e is None) and (f is None or _difference(f, e, task.tolerance) is None)
            for f, e in zip(ours, theirs, strict=True)
        ):
            return mistake.hint
    return None


def _time(function: Callable[..., Any], task: Exercise) -> float:
    """Seconds of a call on the last case, on one thread: the least of several, which leaves out what else ran.

    The clocks that count a thread's or a process's time tick 64 times a second on Windows; this one is fine everywhere.
    """
    import torch

    case, threads = task.cases()[-1], torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        best, calls, until = float("inf"), 0, time.perf_counter() + SECONDS_TO_MEASURE
        while calls < FEWEST_CALLS or time.perf_counter() < until:
            arguments = _copies(case)
            began = time.perf_counter()
            function(*arguments)
            best, calls = min(best, time.perf_counter() - began), calls + 1
    finally:
        torch.set_num_threads(threads)
    return max(best, 1e-7)


def _shown(case: tuple[Any, ...]) -> str:
    return ", ".join(_short(argument) for argument in case)


def _short(value: Any) -> str:
    import torch

    if isinstance(value, torch.Tensor):
        return (
            str([round(v, 3) if isinstance(v, float) else v for v in value.tolist()])
            if value.numel() <= 6 and (value.dim() == 1)
            else "×".join(map(str, value.shape))
        )
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
