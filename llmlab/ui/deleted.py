"""Deleted runs and models wait aside for ten minutes, so that deleting can be undone; then they are removed."""

import secrets
import shutil
import time
from pathlib import Path

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui.language import plain, say

KEPT_SECONDS = 600
_LAST = "deleted_last"


def put_aside(folder: Path) -> None:
    """Take a run or an imported model out of every list; `offer` brings it back in this session.

    Raises LearnerError for a run that is training.
    """
    from llmlab.training import runs

    if runs.is_training(folder):
        raise LearnerError("training.delete_training", run=folder.name)
    clear()
    aside = _waiting() / f"{time.time():.0f}-{secrets.token_hex(4)}"
    aside.parent.mkdir(exist_ok=True)
    folder.rename(aside)
    st.session_state[_LAST] = (folder.name, str(aside))


def offer() -> None:
    """One line that says what was deleted last, with the way back, as long as there is one."""
    clear()
    last = st.session_state.get(_LAST)
    if last is None:
        return
    name, aside = last
    if not Path(aside).is_dir():
        st.session_state.pop(_LAST)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="deleted_last_line"):
        st.markdown(say("ui_library.deleted", name=plain(name)), width="content")
        st.button(say("ui_library.undo"), key="deleted_undo", icon=":material/undo:", type="tertiary", on_click=_undo)


def _undo() -> None:
    from llmlab.training import runs

    name, aside = st.session_state.pop(_LAST)
    target = runs.runs_dir() / name
    if not Path(aside).is_dir():
        return
    if target.exists():  # the name was taken meanwhile: what was deleted goes on waiting
        st.session_state[_LAST] = (name, aside)
        st.session_state["train_problem"] = LearnerError("ui_library.taken_meanwhile", name=name)
        return
    Path(aside).rename(target)
    st.toast(plain(say("ui_library.undone", name=name)), icon=":material/undo:")


def clear() -> None:
    """Remove for good what waited long enough."""
    waiting = _waiting()
    for folder in waiting.iterdir() if waiting.is_dir() else ():
        since = folder.name.partition("-")[0]
        if since.isdigit() and time.time() - int(since) > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _waiting() -> Path:
    """Beside the runs, on the same disk; a name with a dot is in no list."""
    from llmlab.training import runs

    return runs.runs_dir() / ".deleted"
