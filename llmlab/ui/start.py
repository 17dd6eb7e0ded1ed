"""Start: type, and see at once what a small language model reads and expects next."""

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from llmlab.ui import opened, openings, shell
from llmlab.ui.language import language, plain, say
from llmlab.widgets import labels
from llmlab.widgets.streamlit import replied, show

if TYPE_CHECKING:
    from llmlab.models.gpt import GPT

CODE = """\
from llmlab import hub
from llmlab.widgets import reader

model, tokenizer = hub.load({folder!r})
reader.show(model, tokenizer, {text!r})
"""


def page() -> None:
    shell.header("ui_start.title", "ui_start.lead", terms="ui_start.terms")
    chosen, model, tokenizer = opened.writer()
    live(chosen)
    opened.which(chosen, writes=True)
    facts(chosen, model)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(shell.file_of("train"), label=say("ui_start.to_train"), icon=":material/model_training:")
        st.page_link(shell.file_of("generate"), label=say("ui_start.to_generate"), icon=":material/alt_route:")
        to_attention(chosen)  # last: a fragment takes the room that is left
    openings.code(CODE, chosen, tokenizer)


@shell.fragment
def live(chosen: opened.Choice) -> None:
    """The widget: what it asks arrives here, the answer goes back in the same short run."""
    from llmlab.widgets.reader import Reader

    key = opened.widget_key("reader", chosen)
    reader = opened.companion("start_reader", Reader, chosen)  # it remembers which head it picked
    kept = st.session_state.get(f"{key}_kept") or {
        "text": openings.first_text(chosen, reader.tokenizer),
        "temperature": 1.0,
    }
    ask: dict[str, Any] = replied(key, "ask") or kept
    answer = reader.answer(ask, language())
    text = answer.get("text", ask["text"])
    if answer["error"] is None:
        st.session_state[f"{key}_kept"] = {**ask, "text": text, "sample": False, "nonce": 0}
    state = {"text": text, "temperature": ask["temperature"], "labels": labels("reader", language()), "answer": answer}
    show("reader", key=key, state=state, language=language())


@shell.fragment
def to_attention(chosen: opened.Choice) -> None:
    """The way to all heads on the sentence that stands above."""
    key = f"{opened.widget_key('reader', chosen)}_kept"
    if st.button(say("ui_start.to_attention"), key="start_to_attention", icon=":material/visibility:", type="tertiary"):
        kept = st.session_state.get(key) or {}
        text = {"text": kept["text"]} if kept else {}
        st.switch_page(shell.file_of("attention"), query_params=text | opened.address(chosen))


def facts(chosen: opened.Choice, model: "GPT") -> None:
    """What the model is: its size from the model itself, its training time and loss from the files it came with."""
    from llmlab.hub import catalogue

    sentences = [say("ui_start.size", parameters=_count(model.parameter_count()))]
    corpus = _corpus(chosen)
    if corpus is not None:
        titles = {entry.name: entry.title[language()] for entry in catalogue.entries("corpus")}
        sentences.append(say("ui_start.corpus", corpus=plain(titles.get(corpus, corpus))))
    last = _last_metrics(chosen)
    if last.get("seconds"):
        sentences.append(say("ui_start.time", minutes=_minutes(float(last["seconds"]))))
    st.markdown(("" if language() == "zh" else " ").join(sentences))


def _corpus(chosen: opened.Choice) -> str | None:
    if chosen.run is not None:
        from llmlab.training import runs

        return runs.config(chosen.run).corpus
    return chosen.name.removesuffix("-gpt") if chosen.name.endswith("-gpt") else None


def _last_metrics(chosen: opened.Choice) -> dict[str, Any]:
    source = (chosen.run or chosen.folder) / "metrics.jsonl"
    lines = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
    return json.loads(lines[-1]) if lines else {}


def _count(parameters: int) -> str:
    """A count of parameters as it is said: 2.8 million, 280 万."""
    if language() == "zh":
        return f"{parameters / 1e4:.0f} 万" if parameters >= 1e4 else str(parameters)
    return f"{parameters / 1e6:.1f} million" if parameters >= 1e6 else f"{parameters:,}"


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return say("ui_start.seconds", n=round(seconds))
    return say("ui_start.minutes", n=round(seconds / 60))


if __name__ == "__main__":
    page()
