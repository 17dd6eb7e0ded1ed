"""The Start page's view inside a chapter: a line of text, the tokens, the next token's distribution, one head."""

from typing import Any

import streamlit as st

from llmlab.ui import opened, openings
from llmlab.ui.language import language
from llmlab.widgets import labels
from llmlab.widgets.streamlit import replied, show


def lab(settings: dict[str, str], key: str) -> None:
    """`text`, `temperature`, `layer`, `head` set it up."""
    from llmlab.widgets.reader import Reader

    chosen, _, tokenizer = opened.writer()
    reader = opened.companion("chapter_reader", Reader, chosen)
    mounted = f"{key}_{opened.widget_key('reader', chosen)}"
    wanted = settings.get("text", "")
    begin = {
        "text": wanted if wanted and not tokenizer.missing(wanted) else openings.first_text(chosen, tokenizer),
        "temperature": float(settings.get("temperature", 1.0)),
        "layer": int(settings.get("layer", -1)),
        "head": int(settings.get("head", -1)),
    }
    ask: dict[str, Any] = replied(mounted, "ask") or st.session_state.get(f"{mounted}_kept") or begin
    answer = reader.answer(ask, language())
    text = answer.get("text", ask["text"])
    if answer["error"] is None:
        st.session_state[f"{mounted}_kept"] = {**ask, "text": text, "sample": False, "nonce": 0}
    state = {"text": text, "temperature": ask["temperature"], "labels": labels("reader", language()), "answer": answer}
    show("reader", key=mounted, state=state, language=language())
