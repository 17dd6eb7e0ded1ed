"""The preprocessing bench: each cleaning step on or off, the text before and after, and what it does to the loss."""

from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK
from llmlab.ui.language import language, say

SHOWN = 900
FIRST = ("markup", "special_characters", "whitespace", "duplicates")


def lab(settings: dict[str, str], key: str) -> None:
    """`steps` (names between commas) sets it up."""
    from llmlab.text.cleaning import STEPS, clean
    from llmlab.training.cleaning_effect import losses, soiled

    wanted = [name for name in settings.get("steps", ",".join(FIRST)).split(",") if name in STEPS]
    chosen = st.pills(
        say("ui_train.cleaning"),
        list(STEPS),
        selection_mode="multi",
        default=wanted,
        format_func=lambda name: say(f"text.step_{name}"),
        key=f"{key}_steps",
    )
    steps = tuple(name for name in STEPS if name in chosen)
    before = soiled(language())[:SHOWN]
    columns = st.columns(2)
    for column, name, text in zip(columns, ("before", "after"), (before, clean(before, steps)), strict=True):
        with column:
            st.caption(say(f"ui_labs.{name}"))
            st.code(_visible(text), language=None, wrap_lines=True, height=230)
    with st.spinner(say("ui_labs.cleaning_busy")):
        found = losses(steps, language(), every=STEPS)
    st.markdown(f"**{say('ui_labs.cleaning_title')}**")
    st.plotly_chart(_drawn(found), key=f"{key}_chart", config={"displayModeBar": False})
    st.caption(say("ui_labs.cleaning_how"))


def _visible(text: str) -> str:
    """What has no shape, shown by its number."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if c in "\u200b\ufeff\xa0" else c for c in text)


def _drawn(found: dict[str, float]) -> Any:
    import plotly.graph_objects as go

    as_it_came = found[""]
    names = [say("ui_labs.as_it_came"), *(say(f"text.step_{name}") for name in found if name not in ("", "chosen"))]
    names.append(say("ui_labs.chosen"))
    colours = [DARK.residual]
    colours += [DARK.value if loss < as_it_came - 0.0005 else DARK.key for loss in list(found.values())[1:-1]]
    colours.append(DARK.accent)
    figure = go.Figure(
        go.Bar(
            x=list(found.values()),
            y=names,
            orientation="h",
            marker_color=colours,
            text=[f"{loss:.3f}" for loss in found.values()],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(title=say("ui_labs.loss_axis"), range=[0, 1.12 * max(found.values())])
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_layout(height=330, margin={"l": 8, "r": 8, "t": 8, "b": 48})
    return figure
