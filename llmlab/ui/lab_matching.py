"""A customer's question among the stored ones: what was found, by which words, and when a person is asked instead."""

from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK
from llmlab.i18n import LearnerError
from llmlab.ui import opened
from llmlab.ui.language import language, plain, say

SHOWN = 6
WORDS = "words"
ENCODERS = ("minilm", "e5-multilingual")
_USUAL = {WORDS: 0.4, "minilm": 0.5, "e5-multilingual": 0.88}
"""Thresholds that suit each scale: E5 gives even strangers about 0.8 (its authors' note on the temperature 0.01)."""


def lab(settings: dict[str, str], key: str) -> None:
    """`text`, `threshold` and `by` ("words" or the name of a sentence model) set it up."""
    ways = [WORDS, *_encoders()]
    by = settings.get("by", WORDS)
    if len(ways) > 1:
        by = st.segmented_control(
            say("ui_labs.compare_by"),
            ways,
            default=by if by in ways else WORDS,
            required=True,
            format_func=_way,
            key=f"{key}_by",
        )
    by = by if by in ways else WORDS
    said = st.text_input(
        say("ui_labs.question"), settings.get("text") or say("ui_labs.question_first"), key=f"{key}_text_{language()}"
    )
    threshold = st.slider(
        say("ui_labs.threshold"), 0.0, 1.0, float(settings.get("threshold", _USUAL[by])), 0.01, key=f"{key}_least_{by}"
    )
    try:
        found = _ranked(said, by)
    except LearnerError as error:
        st.warning(plain(error.say(language())), icon=":material/lightbulb:")
        return
    best_intent, best, score, shared = found[0]
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(plain(said))
    with st.chat_message("assistant", avatar=":material/storefront:"):
        if score > threshold:
            st.markdown(plain(best_intent.reply[language()]))
            st.caption(_why(best_intent, best, score, shared))
        else:
            st.markdown(say("ui_labs.hand_over"))
            st.caption(say("ui_labs.too_far", score=f"{score:.2f}", best=plain(best)))
    st.markdown(f"**{say('ui_labs.retrieved')}**")
    st.plotly_chart(_drawn(found[:SHOWN], threshold), key=f"{key}_chart", config={"displayModeBar": False})
    st.caption(say("ui_labs.no_context"))
    if len(ways) == 1:
        st.caption(say("ui_labs.fetch_encoder"))


def _encoders() -> list[str]:
    from llmlab import hub

    return [name for name in ENCODERS if hub.is_local(name)]


def _way(name: str) -> str:
    from llmlab import hub

    return say("ui_labs.by_words") if name == WORDS else hub.entry(name).title[language()]


def _ranked(said: str, by: str) -> list[Any]:
    """(intent, stored question, score, shared words) of every stored question, the likest first."""
    from llmlab.tasks.matching import Matcher
    from llmlab.tasks.shop import examples

    stored = examples()
    matches = Matcher([question for _, question in stored]).rank(said)
    if by == WORDS:
        return [(*stored[match.index], match.score, match.shared) for match in matches]
    scores = _vectors(by, tuple(question for _, question in stored)) @ _vectors(by, (said,))[0]
    order = sorted(range(len(stored)), key=lambda i: -scores[i])
    return [(*stored[i], float(scores[i]), {}) for i in order]


@st.cache_data(max_entries=200, show_spinner=False)
def _vectors(name: str, sentences: tuple[str, ...]) -> Any:
    """One vector a sentence, (sentence, width)."""
    from llmlab import hub
    from llmlab.models.sentence_embedding import sentence_embeddings

    model, tokenizer = opened.open_model(opened.by_name(name))
    assert not hasattr(model, "new_cache")
    return sentence_embeddings(model, tokenizer, sentences, prefix=hub.entry(name).sentence_prefix).numpy()


def _why(intent: Any, best: str, score: float, shared: dict[str, float]) -> str:
    title = intent.title[language()]
    if not shared:
        return say("ui_labs.why_vector", intent=title, best=plain(best), score=f"{score:.2f}")
    terms = " + ".join(f"{plain(piece)} {part:.2f}" for piece, part in list(shared.items())[:5])
    more = " + …" if len(shared) > 5 else ""
    return say("ui_labs.why_words", intent=title, best=plain(best), score=f"{score:.2f}", terms=terms + more)


def _drawn(found: list[Any], threshold: float) -> Any:
    import plotly.graph_objects as go

    names = [question for _, question, _, _ in found]
    scores = [max(score, 0.0) for _, _, score, _ in found]
    colours = [DARK.accent if score > threshold else DARK.residual for score in scores]
    figure = go.Figure(
        go.Bar(
            x=scores,
            y=names,
            orientation="h",
            marker_color=colours,
            text=[f"{score:.2f}" for score in scores],
            customdata=[intent.title[language()] for intent, *_ in found],
            hovertemplate="%{y}: %{customdata}<extra></extra>",
            textposition="auto",
            cliponaxis=False,
        )
    )
    figure.add_vline(x=threshold, line={"color": DARK.key, "dash": "dash"})
    figure.update_xaxes(title=say("ui_labs.likeness"), range=[0, 1.15], tickvals=[0, 0.5, 1], tickangle=0)
    figure.update_yaxes(title=None, autorange="reversed", type="category")
    figure.update_layout(height=280, margin={"l": 8, "r": 8, "t": 8, "b": 48}, showlegend=False)
    return figure
