"""What an exercise is made of. Each is a file of `llmlab/course/exercises/`; `checking.py` tries functions on them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmlab.course.unit import Words


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A way to get it wrong that learners often take, and what to say to it."""

    function: Callable[..., Any]
    hint: Words


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise. Its file in `course/exercises/` has its name and binds it as EXERCISE."""

    name: str
    """That of the function to write, too."""
    chapter: int
    title: Words
    task: Words
    """Markdown with formulas."""
    hints: tuple[Words, ...]
    """From a nudge to nearly all."""
    stub: str
    """Python to start from."""
    answer: str
    """Python that passes, written as one would show it."""
    reference: Callable[..., Any]
    """The authority: a library's function wherever there is one."""
    cases: Callable[[], list[tuple[Any, ...]]]
    """Arguments to call it with; the first ones small enough to be printed."""
    mistakes: tuple[Mistake, ...] = ()
    gradient: bool = True
    """Whether the gradient with respect to the floating-point arguments is compared as well."""
    tolerance: float = 1e-5
    slowest: float = 50.0
    """How many times the reference's time is still sensible."""
