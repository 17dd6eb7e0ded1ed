"""The walk-through inside a chapter: one sentence through the model on show, down to single numbers."""

from typing import Any

import streamlit as st

from llmlab.ui import chosen_model, opened, openings
from llmlab.ui.language import language, say
from llmlab.widgets.streamlit import replied, show

FIRST_TOKENS = 12
"""As many tokens of the first text as can be read at a glance."""


def lab(settings: dict[str, str], key: str) -> None:
    """`model`, `text`, `layer`, `head` (from 0) and `step` ("scores", "ff_hidden" …) set it up."""
    from llmlab.widgets.walkthrough import Walker

    chosen = chosen_model.choose(settings, key)
    with st.spinner(say("ui_shell.opening")):
        opened.open_model(chosen)
    folder = str(chosen.folder) if chosen.own else chosen.name
    walker = opened.companion("chapter_walkthrough", lambda *parts: Walker(*parts, folder=folder), chosen)
    mounted = f"{key}_{opened.widget_key('walkthrough', chosen)}"
    begin = {
        "text": _first_text(settings.get("text", ""), chosen, walker),
        "layer": int(settings.get("layer", 0)),
        "head": int(settings.get("head", 0)),
        "cell": {"step": settings["step"]} if "step" in settings else None,
    }
    ask: dict[str, Any] = replied(mounted, "ask") or st.session_state.get(f"{mounted}_kept") or begin
    state = walker.state(ask, language())
    if state["answer"]["error"] is None:
        st.session_state[f"{mounted}_kept"] = {**ask, "have": None, "nonce": 0}
    show("walkthrough", key=mounted, state=state, language=language())


def _first_text(wanted: str, chosen: opened.Choice, walker: Any) -> str:
    tokenizer = walker.tokenizer
    if not walker.writes:
        return wanted if "[MASK]" in wanted else _with_a_blank(say("ui_fill.first"), tokenizer)
    if wanted and not tokenizer.missing(wanted):
        return wanted
    text = openings.first_text(chosen, tokenizer)
    ids = tokenizer.encode(text)
    return str(tokenizer.decode(ids[:FIRST_TOKENS])).rstrip() if len(ids) > FIRST_TOKENS else text


def _with_a_blank(sentence: str, tokenizer: Any) -> str:
    """The sentence with its last word hidden: what a BERT is asked."""
    words, end = sentence[:-1].split(" "), sentence[-1]
    return " ".join([*words[:-1], "[MASK]"]) + end if tokenizer.mask_id is not None else sentence
