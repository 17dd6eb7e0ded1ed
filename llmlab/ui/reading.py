"""What a reader of the course has done and sees: progress on this machine, and the pieces of a chapter's text."""

import base64
import html
from functools import cache
from typing import Any

import streamlit as st

from llmlab import hub
from llmlab.charts.theme import DARK, LIGHT
from llmlab.course import notebook, progress, prose
from llmlab.course.formula import mathml, side_by_side
from llmlab.course.glossary import glossary, term_words
from llmlab.course.unit import Block, Unit
from llmlab.ui import ownership
from llmlab.ui.language import language

FEW_LINES, SHORT_LINE = 12, 110
"""What is open to the eye on a page; longer results are folded with their code."""
FIGURES = """<style>
[class*="st-key-figure_"] { background: light-dark(transparent, #c9c9c4); border-radius: 8px; isolation: isolate; }
[class*="st-key-figure_"] img { mix-blend-mode: multiply; }
</style>"""
"""The white of a notebook's pictures becomes the colour of what they lie on: paper, or a dim card in the dark."""


def done() -> progress.Progress:
    """This reader's progress."""
    return progress.load(ownership.owner(), hub.home())


def add(news: progress.Progress) -> None:
    """Write down what was done besides."""
    progress.add(news, ownership.owner(), hub.home())


def open_chapter(number: int) -> None:
    if number not in done().opened:
        add(progress.Progress(opened=[number]))


def predict(unit: Unit, name: str, choice: int) -> None:
    """Keep the first guess: a question is only a question once."""
    add(progress.Progress(predicted={f"{unit.name}/{name}": choice}))


def passed(name: str) -> None:
    if name not in done().passed:
        add(progress.Progress(passed=[name]))


def item(unit: Unit, block: Block, *, hidden: bool) -> tuple[dict[str, Any], set[str]]:
    """A block as the widget `course_text` draws it, and the terms it names."""
    spoken, values = language(), block.values
    if block.kind == "formula":
        symbols = [
            {
                "mathml": mathml(s["tex"], display=False),
                "words": _html(s[spoken]),
                "colour": _colour(s.get("colour", "text")),
            }
            for s in values.get("symbols", [])
        ]
        drawn = "".join(map(mathml, side_by_side(values["tex"])))
        return {"kind": "formula", "mathml": drawn, "symbols": symbols}, set()
    if block.kind == "predict":
        chosen = done().predicted.get(f"{unit.name}/{block.name}")
        reveal = chosen is not None and not hidden
        options = [
            {"html": _html(o[spoken]), "right": bool(o.get("right")) if reveal else False} for o in values["options"]
        ]
        answer = _html(values["answer"][spoken]) if reveal else None
        texts = [values["question"][spoken], values["answer"][spoken] if reveal else ""]
        made = {
            "kind": "predict",
            "name": block.name,
            "question": _html(values["question"][spoken]),
            "options": options,
            "chosen": chosen,
            "answer": answer,
            "hidden": hidden,
        }
        return made, {name for text in texts for name in prose.terms(text)}
    if block.kind == "diagram":
        from llmlab.charts.diagrams import draw

        return {"kind": "diagram", "html": draw(block.name, spoken)}, set()
    return {"kind": "prose", "html": _html(block.text[spoken])}, set(prose.terms(block.text[spoken]))


def explained(terms: set[str]) -> dict[str, dict[str, str]]:
    """The glossary entries that a text names, ready to pop up."""
    names = sorted(name.replace(" ", "-") for name in terms)
    entries = glossary()
    return {
        name: {"words": entries[name].words[language()], "html": _html(entries[name].meaning[language()])}
        for name in names
    }


@cache
def _html_in(text: str, spoken: str) -> str:
    return prose.to_html(text, lambda name: term_words(name, "zh" if spoken == "zh" else "en"))


def _html(text: str) -> str:
    return _html_in(text, language())


def _colour(name: str) -> str:
    return f"light-dark({getattr(LIGHT, name)}, {getattr(DARK, name)})"


def outputs(unit: Unit) -> list[list[dict[str, Any]]]:
    """What each code cell of the unit's notebook gave when it was last run."""
    return notebook.stored_outputs(unit, language())


def at_a_glance(output: dict[str, Any]) -> bool:
    """A picture, or few short lines."""
    if not {"image/png", "image/svg+xml"}.isdisjoint(output.get("data", {})):
        return True
    lines = _printed(output).splitlines()
    return 0 < len(lines) <= FEW_LINES and max(map(len, lines)) <= SHORT_LINE


def _printed(output: dict[str, Any]) -> str:
    return "".join(output["text"] if output["output_type"] == "stream" else output["data"].get("text/plain", ""))


def show_output(output: dict[str, Any], *, key: str) -> None:
    """One stored output of a cell: text, a picture, or a drawing."""
    data = output.get("data", {})
    if "image/png" in data:
        with st.container(key=f"figure_{key}", width="content"):
            st.image(base64.b64decode("".join(data["image/png"])))
    elif "image/svg+xml" in data:
        source = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
        st.html(f'<img alt="" src="data:image/svg+xml;base64,{html.escape(source)}" style="max-width:100%">')
    else:
        st.code(_printed(output), language=None)
