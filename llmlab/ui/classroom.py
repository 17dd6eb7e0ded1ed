"""What a teacher's link says: whether this class sees the answers."""

import os

import streamlit as st

_KEPT = "answers_hidden"


def settle() -> None:
    """Remember the link of a class. Navigation drops what an address says: it is written back, and a reload keeps it.

    Called once by the shell, on whatever page the link opens.
    """
    if st.query_params.get("answers") == "hidden":
        st.session_state[_KEPT] = True
    elif st.session_state.get(_KEPT):
        st.query_params["answers"] = "hidden"


def answers_hidden() -> bool:
    """Whether a teacher asked for it: for the whole app, or in the link that a class was given."""
    return os.environ.get("LLMLAB_ANSWERS") == "hidden" or bool(st.session_state.get(_KEPT))
