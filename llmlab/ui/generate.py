"""Generate: a text written token by token, what each token was chosen from, and where it could have gone."""

import math
from typing import Any

import streamlit as st

from llmlab.ui import chat, fill, opened, openings, shell
from llmlab.ui.language import language, say
from llmlab.widgets import controls, labels, usual_settings
from llmlab.widgets.streamlit import replied, show

LONGEST_IN_ADDRESS = 400

CODE = """\
from llmlab import hub
from llmlab.generation import SamplingConfig, stream
from llmlab.widgets import generated_text

model, tokenizer = hub.load({folder!r})
sampling = SamplingConfig(temperature=0.8, top_p=0.95, seed=0)
for step in stream(model, tokenizer, {text!r}, max_new_tokens=60, sampling=sampling):
    print(step.text, end="")

generated_text.show(model, tokenizer, {text!r})
"""


def page() -> None:
    from llmlab.text.folder import has_chat_template

    if (filler := opened.filler()) is not None:
        shell.header("ui_fill.title", "ui_fill.lead", terms="ui_fill.terms")
        fill.show(*filler)
        opened.which(filler[0])
        return
    talks = has_chat_template(opened.choice().folder)
    shell.header(
        "ui_generate.title", "ui_generate.lead_chat" if talks else "ui_generate.lead", terms="ui_generate.terms"
    )
    chosen, _, tokenizer = opened.writer()
    if talks and _wants_chat():
        chat.conversation(chosen)
        opened.which(chosen)
        openings.code(chat.CODE, chosen, tokenizer)
        return
    live(chosen)
    opened.which(chosen)
    openings.code(CODE, chosen, tokenizer)


def _wants_chat() -> bool:
    """Whether the reader talks to the model, or lets it continue a text; a tuned model offers both."""
    asked = "continue" if st.query_params.get("mode") == "continue" else "chat"
    chosen = st.segmented_control(
        say("ui_generate.mode"),
        ("chat", "continue"),
        format_func=lambda mode: say(f"ui_generate.mode_{mode}"),
        default=asked,
        key="generate_mode",
        required=True,
        label_visibility="collapsed",
    )
    st.query_params["mode"] = chosen
    return chosen == "chat"


@shell.fragment
def live(chosen: opened.Choice) -> None:
    """The widget pulls: every `more` it asks is one short run of this fragment, until the text is done."""
    from llmlab.widgets.generated_text import Writer

    key = opened.widget_key("writer", chosen)
    writer = opened.companion("generate_writer", Writer, chosen)  # its tree is kept while other pages are visited
    ask: dict[str, Any] = replied(key, "ask") or {}
    kept = st.session_state.get(f"{key}_settings") or {}
    opening = {**usual_settings(), "prompt": openings.first_text(chosen, writer.tokenizer)}
    settings = ask.get("settings") or {**(kept or opening), **_from_address()}
    if not ask and not writer.written:
        ask = {"action": "open", "settings": settings}
    st.session_state[f"{key}_settings"] = settings
    _into_address(settings, opening)
    state = {
        "labels": labels("generated_text", language()),
        "controls": controls(language()),
        "settings": settings,
        "answer": writer.answer(ask, language()),
    }
    show("generated_text", key=key, state=state, language=language())


def _from_address() -> dict[str, Any]:
    """The settings that a link names, each kept inside the range of its control."""
    said: dict[str, Any] = {"prompt": st.query_params["text"]} if st.query_params.get("text") else {}
    for control in controls("en"):
        try:
            value = float(st.query_params[control["name"]])
        except (KeyError, ValueError):
            continue
        if math.isfinite(value):
            value = min(max(value, control["min"]), control["max"])
            said[control["name"]] = int(value) if isinstance(control["step"], int) else value
    return said


def _into_address(settings: dict[str, Any], opening: dict[str, Any]) -> None:
    """Name in the address what is not as usual, so that the link sets the same up elsewhere."""
    for name, usual in opening.items():
        value, word = settings.get(name, usual), "text" if name == "prompt" else name
        if value == usual or len(str(value)) > LONGEST_IN_ADDRESS:
            st.query_params.pop(word, None)
        elif st.query_params.get(word) != str(value):
            st.query_params[word] = str(value)


if __name__ == "__main__":
    page()
