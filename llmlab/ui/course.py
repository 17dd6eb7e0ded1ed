"""The course at a glance: where to start, the chapters, what is done, a class, the glossary."""

import streamlit as st

from llmlab.course.checking import exercise_names
from llmlab.course.glossary import glossary
from llmlab.course.progress import Progress
from llmlab.course.unit import Unit, units
from llmlab.ui import reading, shell
from llmlab.ui.language import language, say

CODE = """\
from llmlab import course

course.check("softmax", lambda x: x.exp() / x.exp().sum(-1, keepdim=True))
"""


def page() -> None:
    shell.header("ui_course.title", "ui_course.lead")
    finished = [unit.number for unit in units() if unit.finished]
    if len(finished) >= 2:
        st.markdown(say("ui_course.path_lead", first=finished[0], second=finished[1]))
    now = reading.done()
    for unit in units():
        _row(unit, now)
    _progress(now)
    with st.expander(say("ui_course.teacher"), icon=":material/school:"):
        st.markdown(say("ui_course.teacher_lead"))
    _glossary()
    shell.code(CODE)


def _row(unit: Unit, now: Progress) -> None:
    here = sum(do.at is not None for do in unit.does)
    state = "complete" if unit.finished else "partial"
    with st.container(border=True, key=f"unit_{unit.number}"):
        label = f"{unit.number} · {unit.title[language()]}"
        st.page_link(shell.file_of(f"chapter_{unit.number:02d}"), label=f"**{label}**")
        st.markdown(unit.lead[language()])
        facts = [say(f"ui_course.{state}", here=here, all=len(unit.does)), say("ui_course.minutes", n=unit.minutes)]
        if unit.number in now.opened:
            facts.append(say("ui_course.opened"))
        st.caption(" · ".join(facts))


def _progress(now: Progress) -> None:
    st.subheader(say("ui_course.progress"), anchor=False)
    line = say(
        "ui_course.progress_line",
        opened=len(now.opened),
        chapters=len(units()),
        predicted=len(now.predicted),
        passed=len(now.passed),
        exercises=len(exercise_names()),
    )
    st.markdown(line)
    st.caption(say("ui_course.progress_kept"))
    with st.container(horizontal=True):
        st.download_button(
            say("ui_course.export"),
            now.to_json(),
            file_name="llmlab-progress.json",
            mime="application/json",
            icon=":material/download:",
        )
        with st.popover(say("ui_course.import"), icon=":material/upload:"):
            given = st.file_uploader(say("ui_course.import"), type=["json"], key="progress_upload")
            if given is not None:
                reading.keep(now.merged(Progress.from_json(given.getvalue().decode("utf-8", errors="replace"))))
                st.success(say("ui_course.imported"))


@shell.fragment
def _glossary() -> None:
    st.subheader(say("ui_course.glossary"), anchor=False)
    wanted = st.text_input(say("ui_course.glossary_search"), key="glossary_search").strip().lower()
    for term in glossary().values():
        words, other = term.words[language()], term.words["zh" if language() == "en" else "en"]
        meaning = term.meaning[language()]
        if wanted in f"{words} {other} {meaning}".lower():
            st.markdown(f"**{words}** · {other}  \n{meaning}")


if __name__ == "__main__":
    page()
