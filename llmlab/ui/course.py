"""The course at a glance: where to start, the chapters, what is done, a class, the glossary."""

import streamlit as st

from llmlab.course.checking import exercise_names
from llmlab.course.glossary import glossary
from llmlab.course.progress import Progress
from llmlab.course.unit import Unit, units
from llmlab.i18n import LearnerError
from llmlab.ui import reading, shell
from llmlab.ui.language import language, say

CODE = """\
from llmlab import course

course.check("softmax", lambda x: x.exp() / x.exp().sum(-1, keepdim=True))
"""


def page() -> None:
    shell.header("ui_course.title", "ui_course.lead")
    news = _import()
    now = reading.done()
    for key, finished in (("path", True), ("growing", False)):
        chosen = [unit for unit in units() if unit.finished == finished]
        if chosen:
            st.subheader(say(f"ui_course.{key}"), anchor=False)
            if finished:
                st.page_link(shell.file_of("start"), label=say("ui_course.path_start"), icon=":material/edit_note:")
            for unit in chosen:
                _row(unit, now)
    _progress(now, news)
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


def _progress(now: Progress, news: LearnerError | bool) -> None:
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
    with shell.calmly():  # above the box of the import, which opens downwards
        if isinstance(news, LearnerError):
            raise news
        if news:
            st.success(say("ui_course.imported"), icon=":material/check:")
    with st.container(horizontal=True):
        st.download_button(
            say("ui_course.export"),
            now.to_json(),
            file_name="llmlab-progress.json",
            mime="application/json",
            icon=":material/download:",
        )
        with st.popover(say("ui_course.import"), icon=":material/upload:"):
            st.markdown(say("ui_course.import_lead"))
            shell.upload_words("progress_upload", say("ui_train.choose_file"))
            st.file_uploader(
                say("ui_course.import"), type=["json"], key="progress_upload", label_visibility="collapsed"
            )


def _import() -> LearnerError | bool:
    """Add what was just given, before anything is counted: whether there was something, or what is wrong with it."""
    given = st.session_state.get("progress_upload")
    if given is None:
        return False
    try:
        news = Progress.from_json(given.getvalue().decode("utf-8", errors="replace"))
    except LearnerError:
        return LearnerError("ui_course.not_progress", file=given.name)
    reading.add(news)
    return True


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
