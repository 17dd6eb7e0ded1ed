"""Attention: where every head of a model looks, what it is called for that, and how one score comes about."""

from typing import Any

import streamlit as st

from llmlab.ui import opened, openings, shell
from llmlab.ui.language import language, say
from llmlab.widgets.streamlit import replied, show

CODE = """\
from llmlab import hub
from llmlab.widgets import attention

model, tokenizer = hub.load({folder!r})
attention.show(model, tokenizer, {text!r}, {second!r}, layer={layer}, head={head}, view={view!r})
"""
_MODEL = "attention_model"
LONGEST_IN_ADDRESS = 400
"""Characters; a longer text stays out of the address."""


def page() -> None:
    shell.header("ui_attention.title", "ui_attention.lead", terms="ui_attention.terms")
    chosen, _, _ = opened.shown()
    live(chosen)
    opened.which(chosen)
    beside(chosen)


@shell.fragment
def live(chosen: opened.Choice) -> None:
    """The widget, and the code for what it shows: what it asks arrives here, the answer goes back in the same run."""
    viewer = _viewer(chosen)
    ask = _ask(chosen)
    state = viewer.state(ask, language())
    show("attention", key=_key(chosen), state=state, language=language())
    if state["answer"]["error"] is None:
        seen = _remember(chosen, ask, state["answer"])
        folder = str(chosen.folder) if chosen.own else chosen.name
        shell.code(CODE.format(folder=folder, **seen))


def _viewer(chosen: opened.Choice) -> Any:
    from llmlab.widgets.attention import Viewer

    return opened.companion("attention_viewer", lambda *parts: Viewer(*parts, title=chosen.title), chosen)


def _key(chosen: opened.Choice) -> str:
    return opened.widget_key("attention", chosen)


def _ask(chosen: opened.Choice) -> dict[str, Any]:
    """What the widget asked last; at first what the address says, else what was looked at before, else a first text."""
    asked = replied(_key(chosen), "ask")
    if asked:
        return dict(asked)
    kept: dict[str, Any] = st.session_state.get(f"{_key(chosen)}_kept") or {}
    said = st.query_params.to_dict()
    if st.session_state.get(_MODEL, chosen.name) != chosen.name and said.get("model") != chosen.name:
        said = {}  # the reader went on to another model: the address still speaks of the one before
    return {
        "text": said.get("text") or kept.get("text") or openings.first_text(chosen, _viewer(chosen).tokenizer),
        "second": said.get("second") or kept.get("second", ""),
        "view": said.get("view") or kept.get("view", ""),
        "layer": _number(said.get("layer"), kept.get("layer", -1)),
        "head": _number(said.get("head"), kept.get("head", -1)),
    }


def _number(said: str | None, otherwise: int) -> int:
    """A layer or head of the address, which counts from 1 as the page does."""
    return int(said) - 1 if said and said.isascii() and said.isdigit() and len(said) < 4 else otherwise


def _remember(chosen: opened.Choice, ask: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """What is on show: in the session, for coming back, and in the address, to be shared."""
    seen = {
        "text": ask["text"],
        "second": ask.get("second") or "",
        "layer": answer.get("layer", ask["layer"]),
        "head": answer.get("head", ask["head"]),
        "view": ask.get("view") or "lines",
    }
    st.session_state[f"{_key(chosen)}_kept"] = seen
    st.session_state[_MODEL] = chosen.name
    shown = opened.address(chosen) | {
        "layer": str(seen["layer"] + 1),
        "head": str(seen["head"] + 1),
        "view": seen["view"],
    }
    if len(seen["text"]) + len(seen["second"]) <= LONGEST_IN_ADDRESS:
        shown |= {"text": seen["text"], "second": seen["second"]}
    for name in ("model", "layer", "head", "view", "text", "second"):
        if not shown.get(name):
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != shown[name]:
            st.query_params[name] = shown[name]
    return seen


@shell.fragment
def beside(chosen: opened.Choice) -> None:
    """The same attention as bertviz draws it, when the reader asks."""
    with st.expander(say("ui_attention.bertviz"), icon=":material/compare:", key="attention_bertviz"):
        st.markdown(say("ui_attention.bertviz_lead"))
        views = {name: say(f"ui_attention.bertviz_{name}") for name in ("head", "model", "neuron")}
        view = st.segmented_control(
            say("ui_attention.bertviz_view"),
            list(views),
            format_func=views.__getitem__,
            key="attention_bertviz_view",
            label_visibility="collapsed",
        )
        if view is None:
            return
        from llmlab.widgets import bertviz_view

        kept = st.session_state.get(f"{_key(chosen)}_kept")
        if not kept:
            return
        viewer = _viewer(chosen)
        with st.spinner(say("ui_attention.bertviz_drawing")):
            seen = viewer.seen(viewer.read(kept["text"], kept["second"]))
            drawn = bertviz_view.draw(view, seen, layer=kept["layer"], head=kept["head"])
        st.button(say("ui_attention.bertviz_again"), key="attention_bertviz_again", icon=":material/refresh:")
        st.iframe(drawn, height=bertviz_view.HEIGHT)


if __name__ == "__main__":
    page()
