"""Embeddings: a map of a model's vectors, the true neighbours of each point, and where the picture put them."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from llmlab.ui import embeddings_sources as sources
from llmlab.ui import opened, shell
from llmlab.ui.language import language, say
from llmlab.widgets import labels
from llmlab.widgets.streamlit import replied, show

if TYPE_CHECKING:
    from llmlab.widgets.embedding_map import EmbeddingMap

CODE = """\
from llmlab import hub
from llmlab.lens import embeddings
from llmlab.widgets import embedding_map

model, tokenizer = hub.load({folder!r})
{points}
embedding_map.show(points, language={language!r}, view={view!r})
"""
_VIEW = "embeddings_view"
IN_ADDRESS = ("method", "dims", "colour", "frame", "word", "mode")
"""What of the view is written into the address, beside what the widgets of Streamlit write there themselves."""


def page() -> None:
    shell.header("ui_embeddings.title", "ui_embeddings.lead", terms="ui_embeddings.terms")
    chosen, _, tokenizer = opened.shown()
    opened.into_address(chosen)
    wanted = sources.choose(chosen, tokenizer)
    live(chosen, wanted)
    opened.which(chosen)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sources.how_many(chosen, wanted)
        _save(chosen, wanted)
    folder = str(chosen.folder) if chosen.own else chosen.name
    view = {key: value for key, value in _view(wanted).items() if key in ("method", "dims", "colour")}
    shell.code(
        CODE.format(folder=folder, points=sources.with_added(chosen, wanted).code, language=language(), view=view)
    )


@shell.fragment
def live(chosen: opened.Choice, wanted: sources.Wanted) -> None:
    """The widget pulls: what it asks arrives here, and the answer goes back in the same short run."""
    with st.spinner(say("ui_embeddings.reading")):
        made = sources.map_of(chosen, sources.with_added(chosen, wanted))
    key = opened.widget_key("embeddings", chosen)
    ask: dict[str, Any] = replied(key, "ask") or {}
    view = {"word": sources.first_word(made)} | _view(wanted)
    more = _asked_besides(ask, made, view)
    if more is not None:
        with st.spinner(say("ui_embeddings.adding")):
            made = sources.map_of(chosen, sources.adding(chosen, wanted, more))
        assert made.points.vocabulary is not None
        view = view | {"word": made.points.vocabulary.names[more]}
        st.session_state[_VIEW] = view
        _write_address(view)
    elif ask.get("have") == made.key:
        view = {"of": wanted.of, **{name: ask["view"][name] for name in IN_ADDRESS if name in ask.get("view", {})}}
        st.session_state[_VIEW] = view
        _write_address(view)
    state = {**made.state(ask, language()), "labels": labels("embedding_map", language()), "view": view}
    show("embedding_map", key=key, state=state, language=language())


def _asked_besides(ask: dict[str, Any], made: "EmbeddingMap", view: dict[str, Any]) -> int | None:
    """A token that the map lacks and the reader wants on it, by a click or by the word of the address."""
    vocabulary = made.points.vocabulary
    if vocabulary is None:
        return None
    if ask.get("have") == made.key and "add" in ask:
        token = int(ask["add"])
    elif view.get("word") and view["word"] not in made.points.names and view["word"] in vocabulary.names:
        token = list(vocabulary.names).index(view["word"])
    else:
        return None
    return token if 0 <= token < len(vocabulary.names) and token not in vocabulary.on_map else None


def _view(wanted: sources.Wanted) -> dict[str, Any]:
    """How the reader last looked; at first what the address says. Another source keeps the method alone."""
    view: dict[str, Any] = st.session_state.get(_VIEW) or {
        "of": wanted.of,
        **{name: st.query_params[name] for name in IN_ADDRESS if name in st.query_params},
    }
    if view.get("of") != wanted.of:
        view = {name: view[name] for name in ("method", "dims") if name in view}
    return view


def _write_address(view: dict[str, Any]) -> None:
    for name in IN_ADDRESS:
        value = str(view.get(name, ""))
        if st.query_params.get(name, "") != value:
            if value:
                st.query_params[name] = value
            else:
                st.query_params.pop(name, None)


def _save(chosen: opened.Choice, wanted: sources.Wanted) -> None:
    """The map as one HTML file, written when it is asked for."""

    def write() -> str:
        from llmlab.widgets import html

        state = sources.map_of(chosen, wanted).saved(language(), st.session_state.get(_VIEW))
        title = f"{say('ui_embeddings.title')} · {chosen.title}"
        return html.page("embedding_map", state, title=title, language=language())

    st.download_button(
        say("ui_embeddings.save_html"),
        data=write,
        file_name="embedding-map.html",
        mime="text/html",
        key="embeddings_html",
        icon=":material/download:",
        on_click="ignore",
        help=say("ui_embeddings.save_html_help"),
    )


if __name__ == "__main__":
    page()
