"""A unit of the course: one source file holds its prose in both languages and its code once; the notebooks and the
chapter page of the app are made from it.

A source is a TOML header between two lines `+++`, then blocks. A block begins with a line `::: KIND [NAME]` and ends
where the next begins:

    ::: en / ::: zh        prose in Markdown, always one after the other
    ::: formula            TOML: tex, and its symbols with their colours and meanings
    ::: code               Python, shared by both languages
    ::: predict NAME       TOML: a question to commit to before the answer is shown
    ::: lab NAME           TOML: a live view (llmlab/ui/labs.py) with its caption, and the page it is from
    ::: diagram NAME       a drawing of llmlab/charts/diagrams.py
    ::: exercise NAME      an exercise of llmlab/course/exercises/

In prose `[[term]]` and `[[term|words]]` explain themselves from the glossary, `[words](lab:NAME?key=value)` sets a lab
up, `[words](page:NAME?key=value)` opens a page, `[words](chapter:6)` a chapter and `[words](errata:9)` a correction.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from llmlab.i18n import Language

Words = Mapping[Language, str]
"""The same said in each language."""

KINDS = ("en", "zh", "formula", "code", "predict", "lab", "diagram", "exercise")
_OPENING = re.compile(r"^::: *(\w+) *([\w-]*) *$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Do:
    """One thing that the unit lets a reader do, or will."""

    words: Words
    at: str | None = None
    """Where it is done: "lab:NAME", "page:NAME?…", "exercise:NAME", "notebook"; None while it is not here yet."""
    test: str | None = None
    """The test that shows it, as pytest names it."""
    later: bool = False
    """Whether the unit is complete without it: something more that will be added to it."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One piece of a unit."""

    kind: str
    """prose, formula, code, predict, lab, diagram or exercise."""
    name: str = ""
    text: Words = field(default_factory=dict)
    """Of prose: Markdown."""
    code: str = ""
    """Of code: the cell."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Of formula, predict and lab: what its TOML says."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A chapter of the course."""

    name: str
    """File name of source and notebooks, "06_inside_the_models"."""
    title: Words
    lead: Words
    """One sentence: what it is about."""
    minutes: int
    """Of reading."""
    can: tuple[Words, ...]
    """What the reader will be able to do."""
    does: tuple[Do, ...]
    sources: tuple[Mapping[str, str], ...]
    """name ("Vaswani et al. 2017"), title, url."""
    finished: bool
    blocks: tuple[Block, ...]

    @property
    def number(self) -> int:
        """Of the chapter; 0 for a tour."""
        return int(self.name[:2]) if self.name[:2].isdigit() else 0

    def of_kind(self, kind: str) -> list[Block]:
        """Its blocks of one kind, in order."""
        return [block for block in self.blocks if block.kind == kind]


@cache
def units() -> tuple[Unit, ...]:
    """All units in order."""
    return _all_in("units")


@cache
def tours() -> tuple[Unit, ...]:
    """The notebooks beside the chapters, in the same form."""
    return _all_in("tours")


def _all_in(folder: str) -> tuple[Unit, ...]:
    sources = sorted(path.name for path in (files("llmlab.course") / folder).iterdir() if path.name.endswith(".md"))
    return tuple(unit(name.removesuffix(".md")) for name in sources)


@cache
def unit(name: str) -> Unit:
    """One unit or tour by its name."""
    folder = "units" if name[:2].isdigit() else "tours"
    source = files("llmlab.course") / folder / f"{name}.md"
    return parse(name, source.read_text(encoding="utf-8"))


def by_number(number: int) -> Unit:
    """Unit 6 is "06_inside_the_models"."""
    return next(unit for unit in units() if unit.number == number)


def parse(name: str, source: str) -> Unit:
    """A unit from its source. Raises ValueError where the source breaks the form that the module's docstring gives."""
    opening, header, body = source.split("+++", 2)
    if opening.strip():
        raise ValueError(f"{name}: a source begins with +++")
    about = tomllib.loads(header)
    return Unit(
        name=name,
        title=about["title"],
        lead=about["lead"],
        minutes=about["minutes"],
        can=tuple(about["can"]),
        does=tuple(
            Do(words={"en": do["en"], "zh": do["zh"]}, **{k: do[k] for k in ("at", "test", "later") if k in do})
            for do in about["does"]
        ),
        sources=tuple(about.get("sources", ())),
        finished=about.get("finished", False),
        blocks=_blocks(name, body),
    )


def _blocks(name: str, body: str) -> tuple[Block, ...]:
    marks = list(_OPENING.finditer(body))
    if body[: marks[0].start() if marks else len(body)].strip():
        raise ValueError(f"{name}: text before the first block")
    found: list[Block] = []
    waiting: str | None = None  # English prose whose Chinese comes next
    for index, mark in enumerate(marks):
        kind, label = mark.groups()
        end = marks[index + 1].start() if index + 1 < len(marks) else len(body)
        content = body[mark.end() : end].strip("\n")
        line = body[: mark.start()].count("\n") + 1
        if kind not in KINDS:
            raise ValueError(f"{name}: unknown block {kind!r} in line {line} of the body")
        if (waiting is None) == (kind == "zh"):
            raise ValueError(f"{name}: English and Chinese must follow each other, line {line} of the body")
        if kind == "en":
            waiting = content
        elif kind == "zh":
            assert waiting is not None
            found.append(Block(kind="prose", text={"en": waiting, "zh": content}))
            waiting = None
        elif kind == "code":
            found.append(Block(kind=kind, name=label, code=content))
        else:
            found.append(Block(kind=kind, name=label, values=tomllib.loads(content)))
    if waiting is not None:
        raise ValueError(f"{name}: the last English text has no Chinese")
    return tuple(found)
