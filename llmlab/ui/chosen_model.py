"""Which model a lab inside a chapter shows: a box to choose from, so that a GPT and a BERT are both at hand."""

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import opened, ownership
from llmlab.ui.language import language, plain, say

_MOST_RUNS = 8


def choose(settings: dict[str, str], key: str) -> opened.Choice:
    """What the reader chose here, else `model` of the settings, else what the rest of the app has on show."""
    shown = opened.choice()
    wanted = settings.get("model", "")
    names = list(dict.fromkeys([shown.name, *([wanted] if wanted else []), *_library(), *_runs()]))
    known: dict[str, opened.Choice] = {shown.name: shown}
    for name in names[1:]:
        try:
            known[name] = opened.by_name(name)
        except LearnerError as error:
            st.warning(plain(error.say(language())), icon=":material/lightbulb:")
    titles = {name: found.title for name, found in known.items()}
    first = list(known).index(wanted) if wanted in known else 0
    chosen: str = st.selectbox(
        say("ui_course.model"), list(known), first, format_func=lambda name: titles.get(name, name), key=f"{key}_model"
    )
    return known[chosen]


def _library() -> list[str]:
    from llmlab import hub

    return [entry.name for entry in hub.entries("model") if hub.is_local(entry.name)]


def _runs() -> list[str]:
    """The newest of the reader's own models, those that a chapter trained included."""
    from llmlab.training import runs

    own = [run for run in runs.list_runs() if runs.purpose(run) != "comparison" and ownership.owns(runs.owner(run))]
    return [run.name for run in own if runs.checkpoints(run)][:_MOST_RUNS]
