"""A chapter of the course: its prose, formulas, questions, live labs and exercises, in the order of its source."""

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from llmlab.course import prose
from llmlab.course.unit import Block, Do, Unit, by_number, units
from llmlab.ui import classroom, exercise_box, labs, reading, shell
from llmlab.ui.language import language, plain, say
from llmlab.widgets import labels
from llmlab.widgets.streamlit import replied, show

READ = ("prose", "formula", "predict", "diagram")
"""Blocks that one widget draws together; code, labs and exercises stand between them."""


def page(number: int) -> None:
    unit = by_number(number)
    reading.open_chapter(number)
    st.html(reading.FIGURES)
    groups = list(_groups(unit.blocks))
    _act(unit, [index for index, group in enumerate(groups) if group[0].kind in READ])
    _head(unit)
    code_cells = 1  # the notebook's first code cell is not on the page
    for index, group in enumerate(groups):
        first = group[0]
        if first.kind in READ:
            _text(unit, index, group)
        elif first.kind == "code":
            _code(unit, group, code_cells, results=not _asked(unit, groups[index - 1] if index else ()))
        elif first.kind == "lab":
            labs.draw(unit.name, first)
        elif first.kind == "exercise":
            exercise_box.draw(first.name)
        code_cells += sum(block.kind in ("code", "diagram", "exercise") for block in group)
    _end(unit)


def _groups(blocks: Sequence[Block]) -> list[list[Block]]:
    found: list[list[Block]] = []
    for block in blocks:
        kind = "read" if block.kind in READ else block.kind
        before = found[-1][0].kind if found else ""
        if found and kind in ("read", "code") and kind == ("read" if before in READ else before):
            found[-1].append(block)
        else:
            found.append([block])
    return found


def _head(unit: Unit) -> None:
    shell.headline(f"{unit.number} · {unit.title[language()]}")
    st.markdown(unit.lead[language()])
    st.caption(say("ui_course.minutes_of_reading", n=unit.minutes, language=language(), name=unit.name))
    st.markdown(f"**{say('ui_course.can')}**\n\n" + "\n".join(f"- {can[language()]}" for can in unit.can))


def _text(unit: Unit, index: int, group: Sequence[Block]) -> None:
    items, named = [], set()
    for block in group:
        item, terms = reading.item(unit, block, hidden=classroom.answers_hidden())
        items.append(item)
        named |= terms
    state = {"items": items, "terms": reading.explained(named), "labels": labels("course_text", language())}
    show("course_text", key=_key(unit, index), state=state, language=language())


def _key(unit: Unit, index: int) -> str:
    return f"text_{unit.name}_{index}"


def _act(unit: Unit, groups: Sequence[int]) -> None:
    """Do what a word or an option that was just clicked asks for, once."""
    for index in groups:
        ask: dict[str, Any] | None = replied(_key(unit, index), "ask")
        if not ask or st.session_state.get("course_acted") == ask["nonce"]:
            continue
        if ask["nonce"] <= st.session_state.get("course_acted", ""):
            continue
        st.session_state["course_acted"] = ask["nonce"]
        if "predict" in ask:
            reading.predict(unit, str(ask["predict"]), int(ask["choice"]))
        elif "lab" in ask:
            name, settings = prose.target(ask["lab"])
            labs.set_up(unit.name, name, settings)
        elif "go" in ask:
            _go(str(ask["go"]))


def _go(address: str) -> None:
    scheme, _, rest = address.partition(":")
    path, query = prose.target(prose.href(scheme, rest).lstrip("/"))
    if path in {entry.name for entry in shell.PAGES}:
        st.switch_page(shell.file_of(path), query_params={**query, "lang": language()})


def _code(unit: Unit, group: Sequence[Block], first_cell: int, *, results: bool) -> None:
    """The pictures that the code drew and what it printed in short, open to the eye; the code and the rest folded."""
    cells = reading.outputs(unit)[first_cell : first_cell + len(group)]
    if results:
        for number, output in enumerate(chain.from_iterable(cells)):
            if reading.at_a_glance(output):
                reading.show_output(output, key=f"result_{first_cell}_{number}")
    with st.expander(say("ui_course.code"), icon=":material/code:"):
        number = 0
        for block, cell in zip_longest(group, cells):
            st.code(block.code, language="python")
            for output in cell or []:
                if not (results and reading.at_a_glance(output)):
                    reading.show_output(output, key=f"result_{first_cell}_{number}_folded")
                number += 1


def _asked(unit: Unit, before: Sequence[Block]) -> bool:
    """Whether a question just above still waits for the reader's guess, which a result would answer."""
    last = before[-1] if before else None
    return last is not None and last.kind == "predict" and f"{unit.name}/{last.name}" not in reading.done().predicted


def _linked(do: Do) -> str:
    """What can be done, with the way to its page where it is not on this one."""
    words = plain(do.words[language()])
    scheme, _, address = (do.at or "").partition(":")
    if scheme != "page":
        return words
    path, query = prose.target(address)
    return f"[{words}](/{path}?{urlencode({**query, 'lang': language()})})"


def _end(unit: Unit) -> None:
    st.divider()
    here = [do for do in unit.does if do.at is not None]
    missing = [do for do in unit.does if do.at is None]
    if here:
        st.markdown(f"**{say('ui_course.here')}**\n\n" + "\n".join(f"- {_linked(do)}" for do in here))
    if missing:
        with st.container(key="not_here_yet"):
            lines = "\n".join(f"- {do.words[language()]}" for do in missing)
            st.markdown(f"**{say('ui_course.not_here_yet')}**\n\n{lines}")
    if unit.sources:
        with st.expander(say("ui_course.sources"), icon=":material/menu_book:"):
            st.markdown("\n".join(f"- {plain(s['name'])}, [{plain(s['title'])}]({s['url']})" for s in unit.sources))
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for other in units():
            if abs(other.number - unit.number) == 1:
                way = "next" if other.number > unit.number else "previous"
                label = say(f"ui_course.{way}", title=f"{other.number} · {other.title[language()]}")
                st.page_link(shell.file_of(f"chapter_{other.number:02d}"), label=label)
