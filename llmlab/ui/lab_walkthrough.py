"""The walk-through inside a chapter: one sentence through the model on show, down to single numbers."""

from typing import Any

import streamlit as st

from llmlab.ui import chosen_model, opened, openings
from llmlab.ui.language import language, say
from llmlab.widgets.streamlit import replied, show

FIRST_TOKENS = 12
"""As many tokens of the first text as can be read at a glance."""
BLANKS = ("She gave the key to a hungry [MASK].", "从前有一只[MASK]。")
MARKS = 2
"""[CLS] and [SEP], which stand around every text."""


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
        text = wanted if "[MASK]" in wanted else _with_a_blank(chosen, walker)
        if walker.model.mlm_head is None:  # an encoder of sentences names no hidden word
            text = text.replace(" [MASK]", " fox").replace("[MASK]", "狐狸")
        return text
    if wanted and not tokenizer.missing(wanted):
        return wanted
    text = openings.first_text(chosen, tokenizer)
    ids = tokenizer.encode(text)
    return str(tokenizer.decode(ids[:FIRST_TOKENS])).rstrip() if len(ids) > FIRST_TOKENS else text


def _with_a_blank(chosen: opened.Choice, walker: Any) -> str:
    """A sentence that this BERT knows and that fits its context, with a word hidden: what a BERT is asked."""
    tokenizer, room = walker.tokenizer, walker.model.config.context_length - MARKS
    chinese = openings.spoken(chosen) == "zh"
    order = sorted(BLANKS, key=lambda text: text.isascii() == chinese)
    readable = [text for text in order if "[UNK]" not in tokenizer.token_texts(tokenizer.encode(text))]
    text = (readable or BLANKS)[0]
    while " " in text and len(tokenizer.encode(text)) > room:
        text = text.partition(" ")[2]
    return text
