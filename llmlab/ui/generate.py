"""Generate: a text written token by token, what each token was chosen from, and where it could have gone."""

import hashlib
from typing import TYPE_CHECKING, Any

import streamlit as st

from llmlab.ui import opened, openings, shell
from llmlab.ui.language import language, say
from llmlab.widgets import controls, labels
from llmlab.widgets.streamlit import replied, show

if TYPE_CHECKING:
    from llmlab.widgets.generated_text import Writer

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
    shell.header("ui_generate.title", "ui_generate.lead", terms="ui_generate.terms")
    chosen = opened.choice()
    with st.spinner(say("ui_shell.opening")):
        _, tokenizer = opened.open_model(chosen)
    live(chosen)
    opened.which(chosen)
    shell.code(
        CODE.format(
            folder=chosen.name if not chosen.own else str(chosen.folder),
            text=openings.first_text(chosen, tokenizer),
        )
    )


@shell.fragment
def live(chosen: opened.Choice) -> None:
    """The widget pulls: every `more` it asks is one short run of this fragment, until the text is done."""
    key = "writer_" + hashlib.sha256(str(chosen.folder).encode()).hexdigest()[:8]
    writer = _writer(chosen)
    ask: dict[str, Any] = replied(key, "ask") or {}
    kept = st.session_state.get(f"{key}_settings") or {}
    settings = ask.get("settings") or kept or {"prompt": openings.first_text(chosen, writer.tokenizer)}
    st.session_state[f"{key}_settings"] = settings
    state = {
        "labels": labels("generated_text", language()),
        "controls": controls(language()),
        "settings": settings,
        "answer": writer.answer(ask, language()),
    }
    show("generated_text", key=key, state=state, language=language())


def _writer(chosen: opened.Choice) -> "Writer":
    """One tree a session and model, kept while the reader visits other pages."""
    from llmlab.widgets.generated_text import Writer

    model, tokenizer = opened.open_model(chosen)
    found = st.session_state.get("generate_writer")
    if found is None or found.model is not model:
        found = st.session_state["generate_writer"] = Writer(model, tokenizer)
    return found


if __name__ == "__main__":
    page()
