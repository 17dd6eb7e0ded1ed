"""A classifier of film reviews by word counts, learned while the reader waits, with its errors and its reasons."""

from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK, LIGHT
from llmlab.ui.language import language, plain, say

SIZES = (25, 50, 100, 200, 400, 800)
TESTED = 400
TELLING = 7
_BARE = {"displayModeBar": False}


def lab(settings: dict[str, str], key: str) -> None:
    """`reviews` (how many are learned from) and `pairs` ("yes") set it up."""
    wanted = int(settings.get("reviews", 200))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.segmented_control(
            say("ui_labs.reviews"),
            SIZES,
            default=wanted if wanted in SIZES else 200,
            required=True,
            key=f"{key}_size",
        )
        pairs = st.toggle(say("ui_labs.pairs"), settings.get("pairs") == "yes", key=f"{key}_pairs")
    longest = 2 if pairs else 1
    model, test, seconds = _learned(language(), int(size), longest)
    found = model.probabilities([review.text for review in test])
    _measures(model, test, found, seconds)
    left, right = st.columns([2, 3])
    with left:
        st.markdown(f"**{say('ui_labs.matrix')}**")
        st.plotly_chart(_matrix(test, found), key=f"{key}_matrix", config=_BARE)
    with right:
        st.markdown(f"**{say('ui_labs.telling')}**")
        st.plotly_chart(_bars(model.telling(TELLING)), key=f"{key}_telling", config=_BARE)
    _errors(test, found)
    _own(model, key)


@st.cache_data(max_entries=24, show_spinner=False)
def _learned(wanted: str, size: int, longest: int) -> Any:
    """The classifier, the reviews it has not seen, and the seconds that learning took."""
    import time

    from llmlab.tasks.reviews import write_reviews
    from llmlab.tasks.word_classifier import WordClassifier

    every = write_reviews("zh" if wanted == "zh" else "en", TESTED + SIZES[-1])
    test, train = every[:TESTED], every[TESTED : TESTED + size]
    begun = time.perf_counter()
    model = WordClassifier(longest=longest).fit([r.text for r in train], [int(r.good) for r in train])
    return model, test, time.perf_counter() - begun


def _measures(model: Any, test: Any, found: Any, seconds: float) -> None:
    right = sum((p > 0.5) == review.good for p, review in zip(found, test, strict=True)) / len(test)
    good = sum(review.good for review in test) / len(test)
    for place, (name, value) in zip(
        st.columns(3),
        (
            ("baseline", f"{max(good, 1 - good):.1%}"),
            ("test_accuracy", f"{right:.1%}"),
            ("weights", f"{len(model.weights):,}"),
        ),
        strict=True,
    ):
        place.metric(say(f"ui_labs.{name}"), value)
    st.caption(
        say("ui_labs.learned", seconds=f"{seconds:.2f}", first=f"{model.losses[0]:.2f}", last=f"{model.losses[-1]:.2f}")
    )


def _matrix(test: Any, found: Any) -> Any:
    import plotly.graph_objects as go

    from llmlab.tasks.word_classifier import confusion

    table = confusion([int(review.good) for review in test], [int(p > 0.5) for p in found])
    names = [say("ui_labs.bad"), say("ui_labs.good")]
    figure = go.Figure(
        go.Heatmap(
            z=table,
            x=names,
            y=names,
            xgap=2,
            ygap=2,
            showscale=False,
            zmin=0,
            colorscale=[[0, LIGHT.surface], [1, LIGHT.query]],  # opaque, so that its ink suits both papers
            hoverinfo="skip",
        )
    )
    cells = [(x, y, table[i, j]) for i, y in enumerate(names) for j, x in enumerate(names)]
    columns, rows, counted = zip(*cells, strict=True)
    ink = [LIGHT.background if n > table.max() / 2 else LIGHT.text for n in counted]
    font = {"size": 18, "color": ink}
    figure.add_scatter(x=columns, y=rows, text=counted, mode="text", textfont=font, hoverinfo="skip")
    figure.update_xaxes(title=say("ui_labs.found"), showgrid=False)
    figure.update_yaxes(title=say("ui_labs.true"), showgrid=False, autorange="reversed")
    return _sized(figure, 300)


def _bars(weights: dict[str, float]) -> Any:
    """Words with what each adds: towards a bad review to the left, towards a good one to the right."""
    import plotly.graph_objects as go

    colours = [DARK.key if value < 0 else DARK.accent for value in weights.values()]
    figure = go.Figure(
        go.Bar(
            x=list(weights.values()),
            y=list(weights),
            orientation="h",
            marker_color=colours,
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=say("ui_labs.adds"))
    figure.update_yaxes(title=say("ui_labs.piece"), type="category", tickmode="linear")
    return _sized(figure, max(300 if len(weights) > 10 else 160, 60 + 19 * len(weights)))


def _sized(figure: Any, height: int) -> Any:
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 8, "b": 48}, showlegend=False)
    return figure


def _errors(test: Any, found: Any) -> None:
    """The reviews of which it was surest and wrong: they say more than the average."""
    wrong = [(abs(p - 0.5), p, review) for p, review in zip(found, test, strict=True) if (p > 0.5) != review.good]
    wrong.sort(key=lambda item: -item[0])
    with st.expander(say("ui_labs.errors", count=len(wrong), all=len(test)), icon=":material/error_outline:"):
        if wrong:
            lines = []
            for _, p, review in wrong[:6]:
                said = say("ui_labs.error", truth=_verdict(review.good), found=_verdict(p > 0.5), p=_sure(p))
                lines.append(f"- {plain(review.text)} {said}")
            st.markdown("\n".join(lines))
            st.caption(say("ui_labs.why_wrong"))


def _own(model: Any, key: str) -> None:
    said = st.text_input(say("ui_labs.own_review"), say("ui_labs.own_first"), key=f"{key}_own_{language()}")
    reasons = model.reasons(said)
    if not reasons:
        st.info(say("ui_labs.knows_none"), icon=":material/lightbulb:")
        return
    p = float(model.probabilities([said])[0])
    st.markdown(say("ui_labs.verdict", found=_verdict(p > 0.5), p=_sure(p), bias=f"{model.bias:+.2f}"))
    strongest = dict(reversed(list(reasons.items())[:10]))
    st.markdown(f"**{say('ui_labs.reasons')}**")
    st.plotly_chart(_bars(strongest), key=f"{key}_reasons", config=_BARE)


def _verdict(good: bool) -> str:
    return say("ui_labs.good" if good else "ui_labs.bad")


def _sure(p: float) -> str:
    return f"{max(p, 1 - p):.0%}"
