"""What a reader of the course has done and sees: progress on this machine, and the pieces of a chapter's text."""

import base64
import html
import os
from functools import cache
from typing import Any

import streamlit as st

from llmlab import hub
from llmlab.charts.theme import DARK, LIGHT
from llmlab.course import notebook, progress, prose
from llmlab.course.formula import mathml
from llmlab.course.glossary import glossary, term_words
from llmlab.course.unit import Block, Unit
from llmlab.ui import ownership
from llmlab.ui.language import language


def done() -> progress.Progress:
    """This reader's progress."""
    return progress.load(ownership.owner(), hub.home())


def keep(changed: progress.Progress) -> None:
    """Write it down."""
    progress.save(changed, ownership.owner(), hub.home())


def answers_hidden() -> bool:
    """Whether a teacher asked for it: for the whole app, or in the link that a class was given."""
    if st.query_params.get("answers") == "hidden":
        st.session_state["answers_hidden"] = True
    return os.environ.get("LLMLAB_ANSWERS") == "hidden" or bool(st.session_state.get("answers_hidden"))


def open_chapter(number: int) -> None:
    now = done()
    if number not in now.opened:
        keep(now.merged(progress.Progress(opened=[number])))


def predict(unit: Unit, name: str, choice: int) -> None:
    """Keep the first guess: a question is only a question once."""
    now = done()
    now.predicted.setdefault(f"{unit.name}/{name}", choice)
    keep(now)


def passed(name: str) -> None:
    now = done()
    if name not in now.passed:
        keep(now.merged(progress.Progress(passed=[name])))


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
        return {"kind": "formula", "mathml": mathml(values["tex"]), "symbols": symbols}, set()
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


def is_picture(output: dict[str, Any]) -> bool:
    return not {"image/png", "image/svg+xml"}.isdisjoint(output.get("data", {}))


def show_output(output: dict[str, Any]) -> None:
    """One stored output of a cell: text, a picture, or a drawing."""
    data = output.get("data", {})
    if output["output_type"] == "stream":
        st.code("".join(output["text"]), language=None)
    elif "image/png" in data:
        st.image(base64.b64decode("".join(data["image/png"])))
    elif "image/svg+xml" in data:
        source = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
        st.html(f'<img alt="" src="data:image/svg+xml;base64,{html.escape(source)}" style="max-width:100%">')
    elif "text/plain" in data:
        st.code("".join(data["text/plain"]), language=None)
