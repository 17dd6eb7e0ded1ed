"""An exercise on a page: stub, hints one by one, a check in a process of its own."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from llmlab.course.checking import exercise
from llmlab.course.sandbox import SECONDS, try_code
from llmlab.ui import classroom, ownership, reading, shell
from llmlab.ui.language import language, say, with_formulas


@shell.fragment
def draw(name: str) -> None:
    task, spoken = exercise(name), language()
    with st.container(border=True, key=f"exercise_{name}"):
        head = st.empty()
        _head(head, name)
        st.markdown(task.task[spoken])
        key = f"exercise_{name}_code"
        st.session_state.setdefault(key, task.stub)
        lines = st.session_state[key].count("\n") + 2
        st.html(f"<style>.st-key-{key} textarea {{font-family: ui-monospace, Menlo, Consolas, monospace}}</style>")
        code = st.text_area(
            say("ui_course.exercise_code"),
            key=key,
            height=max(140, min(420, 26 * lines)),
            help=say("ui_course.exercise_code_help", seconds=SECONDS),
        )
        with st.container(horizontal=True):
            checked = st.button(
                say("ui_course.check"), key=f"{key}_check", type="primary", disabled=not ownership.may_run_code()
            )
            shown = int(st.session_state.get(f"{key}_hints", 0))
            if shown < len(task.hints):
                st.button(
                    say("ui_course.hint_more"), key=f"{key}_hint", on_click=_one_more, args=(f"{key}_hints", shown)
                )
            st.button(
                say("ui_course.reset"), key=f"{key}_reset", type="tertiary", on_click=_reset, args=(key, task.stub)
            )
        if not ownership.may_run_code():
            st.info(say("ui_course.code_not_here"), icon=":material/lock:")
        for number, hint in enumerate(task.hints[: int(st.session_state.get(f"{key}_hints", 0))], start=1):
            st.markdown(say("ui_course.hint", number=number, hint=hint[spoken]))
        if checked:
            _check(name, code)
            _head(head, name)  # it may have passed just now
        if not classroom.answers_hidden():
            with st.expander(say("ui_course.answer")):
                st.code(task.answer, language="python")


def _head(place: DeltaGenerator, name: str) -> None:
    done = f" · :green[{say('ui_course.passed')}]" if name in reading.done().passed else ""
    place.markdown(f"**{say('ui_course.exercise', title=exercise(name).title[language()])}**{done}")


def _check(name: str, code: str) -> None:
    with st.spinner(say("ui_course.checking")):
        trial = try_code(name, code, language())
    if trial.passed:
        reading.passed(name)
        st.success(with_formulas(trial.message), icon=":material/check:")
    else:
        st.warning(with_formulas(trial.message), icon=":material/lightbulb:")
    for title, text in (("ui_course.printed", trial.printed), ("ui_course.detail", trial.detail)):
        if text:
            st.caption(say(title))
            st.code(text, language=None)


def _one_more(key: str, shown: int) -> None:
    st.session_state[key] = shown + 1


def _reset(key: str, stub: str) -> None:
    st.session_state[key] = stub
