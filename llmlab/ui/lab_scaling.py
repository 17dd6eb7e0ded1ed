"""A scaling law fitted to models that learn while the reader waits, and tried on sizes that the fit did not see."""

from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK
from llmlab.i18n import LearnerError
from llmlab.ui.language import language, plain, say

SIZES = tuple(500 * 2**k for k in range(9))
"""Characters that are learned from: each twice the one before."""
CHARACTERS = 143_000
"""Of the whole text, whose last tenth is held out."""
ORDERS = (2, 3, 4, 5, 6, 8)
FEWEST = 3


def lab(settings: dict[str, str], key: str) -> None:
    """`order`, `upto` (how many sizes the fit sees) and `floor` ("found": not told) set it up."""
    wanted, upto = int(settings.get("order", 6)), int(settings.get("upto", 6))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.segmented_control(
            say("ui_labs.order"),
            ORDERS,
            default=wanted if wanted in ORDERS else 6,
            required=True,
            key=f"{key}_order",
        )
        told = st.toggle(say("ui_labs.floor_told"), settings.get("floor") != "found", key=f"{key}_told")
    shown = list(SIZES[FEWEST - 1 : -1])
    last = st.select_slider(
        say("ui_labs.fit_upto"),
        shown,
        value=SIZES[min(max(upto, FEWEST), len(SIZES) - 1) - 1],
        format_func=lambda size: f"{size:,}",
        key=f"{key}_last",
    )
    with st.spinner(say("ui_labs.counting")):
        losses, entropy = _measured(language(), int(order))
    seen = SIZES.index(last) + 1
    from llmlab.training.scaling_law import fit

    try:
        law = fit(SIZES[:seen], losses[:seen], floor=entropy if told else None)
    except LearnerError as error:
        st.warning(plain(error.say(language())), icon=":material/lightbulb:")
        return
    st.plotly_chart(_drawn(law, losses, seen), key=f"{key}_chart", config={"displayModeBar": False})
    st.markdown(
        say(
            "ui_labs.law",
            alpha=f"{law.exponent:.3f}",
            floor=f"{law.floor:.3f}",
            halve=f"{law.to_halve:,.3g}",
            size=f"{SIZES[-1]:,}",
            expected=f"{law.loss(SIZES[-1]):.3f}",
            measured=f"{losses[-1]:.3f}",
        )
    )
    st.caption(say("ui_labs.law_floor", entropy=f"{entropy:.3f}"))


@st.cache_data(max_entries=16, show_spinner=False)
def _measured(wanted: str, order: int) -> tuple[list[float], float]:
    """Losses at all sizes, and the entropy of the text, in nats per character."""
    from llmlab.text.tales import entropy_per_character
    from llmlab.training.scaling_law import counting_losses

    tales = "zh" if wanted == "zh" else "en"
    return counting_losses(_text(tales), SIZES, order=order), float(entropy_per_character(tales))


@st.cache_data(max_entries=2, show_spinner=False)
def _text(tales: Any) -> str:
    from llmlab.text.tales import write_tales

    return write_tales(tales, characters=CHARACTERS)


def _drawn(law: Any, losses: list[float], seen: int) -> Any:
    import numpy as np
    import plotly.graph_objects as go

    def line(first: int, end: int, name: str, dash: str) -> Any:
        x = np.geomspace(first, end, 40)
        y = [law.loss(n) - law.floor for n in x]
        return go.Scatter(x=x, y=y, mode="lines", name=name, line={"color": DARK.key, "dash": dash}, hoverinfo="skip")

    above = [loss - law.floor for loss in losses]
    hover = say("ui_labs.hover_size") + "<extra></extra>"
    points = [
        (SIZES[:seen], above[:seen], say("ui_labs.fitted"), "circle"),
        (SIZES[seen:], above[seen:], say("ui_labs.not_seen"), "circle-open"),
    ]
    figure = go.Figure(
        [
            line(SIZES[0], SIZES[seen - 1], say("ui_labs.law_line"), "solid"),
            line(SIZES[seen - 1], SIZES[-1] * 2, say("ui_labs.beyond"), "dot"),
            *(
                go.Scatter(
                    x=x,
                    y=y,
                    name=name,
                    mode="markers",
                    hovertemplate=hover,
                    marker={"color": DARK.accent, "symbol": symbol, "size": 10, "line": {"width": 2}},
                )
                for x, y, name, symbol in points
            ),
        ]
    )
    figure.update_xaxes(type="log", title=say("ui_labs.learned_from"), tickvals=list(SIZES[::2]), tickformat=",")
    figure.update_yaxes(type="log", title=say("ui_labs.above_floor"), tickformat=".2~f", dtick="D2")
    figure.update_layout(
        height=420, margin={"l": 8, "r": 8, "t": 16, "b": 48}, legend={"orientation": "h", "y": -0.22, "yanchor": "top"}
    )
    return figure
