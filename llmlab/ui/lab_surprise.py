"""The probability of a text term by term: how surprised the model on show is at each token, given those before it."""

from math import exp
from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK
from llmlab.i18n import LearnerError
from llmlab.ui import opened, openings
from llmlab.ui.language import language, plain, say

MOST_TOKENS = 48


def lab(settings: dict[str, str], key: str) -> None:
    """`text` sets it up."""
    chosen, model, tokenizer = opened.writer()
    wanted = settings.get("text", "")
    first = wanted if wanted and not tokenizer.missing(wanted) else openings.first_text(chosen, tokenizer)
    mounted = f"{key}_{opened.widget_key('surprise', chosen)}"
    said = st.text_input(say("ui_labs.own_text", title=plain(chosen.title)), first.rstrip("\n"), key=f"{mounted}_text")
    from llmlab.models.scoring import token_losses

    try:
        terms = token_losses(model, tokenizer, said)
    except LearnerError as error:
        st.warning(plain(error.say(language())), icon=":material/lightbulb:")
        return
    tokens = tokenizer.token_texts(tokenizer.encode(said))
    st.plotly_chart(_drawn(tokens[1:], terms), key=f"{mounted}_chart", config={"displayModeBar": False})
    mean = sum(terms) / len(terms)
    st.markdown(
        say(
            "ui_labs.term_sum",
            n=len(terms),
            total=f"{sum(terms):.2f}",
            mean=f"{mean:.3f}",
            perplexity=f"{exp(min(mean, 700)):.2f}",
        )
    )


def _drawn(tokens: list[str], terms: list[float]) -> Any:
    import plotly.graph_objects as go

    shown = list(range(min(len(terms), MOST_TOKENS)))
    probabilities = [exp(-terms[i]) for i in shown]
    figure = go.Figure(
        go.Bar(
            x=shown,
            y=[terms[i] for i in shown],
            customdata=probabilities,
            marker_color=DARK.prediction,
            hovertemplate=say("ui_labs.term_hover") + "<extra></extra>",
        )
    )
    ticks = {"tickvals": shown, "ticktext": [tokens[i] for i in shown], "tickangle": 0}
    figure.update_xaxes(title=say("ui_labs.term_token"), **ticks)
    figure.update_yaxes(title=say("ui_labs.term_surprise"))
    figure.update_layout(height=300, margin={"l": 8, "r": 8, "t": 8, "b": 48})
    return figure
