"""The causal and the full mask side by side: one head's weights on one sentence, from the same scores."""

from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK
from llmlab.i18n import LearnerError
from llmlab.ui import chosen_model, opened, openings
from llmlab.ui.language import language, plain, say

MOST_TOKENS = 24


def lab(settings: dict[str, str], key: str) -> None:
    """`model`, `text`, `layer` and `head` (from 0), `scale` ("no": without) set it up."""
    model_box, layer_box, head_box = st.columns([3, 1, 1])
    with model_box:
        chosen = chosen_model.choose(settings, key)
    with st.spinner(say("ui_shell.opening")):
        model, tokenizer = opened.open_model(chosen)
    config = model.config
    first = settings.get("text", "")
    if not first or tokenizer.missing(first):
        short = tokenizer.decode(tokenizer.encode(openings.first_text(chosen, tokenizer))[:9]).strip()
        first = short.partition("，")[0]  # a line of a Chinese poem, not one and a half
    mounted = f"{key}_{opened.widget_key('masks', chosen)}"
    said = st.text_input(say("ui_sheets.sentence"), first, key=f"{mounted}_text")
    layer = _number(layer_box, "layer", config.n_layers, settings, mounted)
    head = _number(head_box, "head", config.n_heads, settings, mounted)
    scaled = st.checkbox(say("ui_sheets.scale"), settings.get("scale") != "no", key=f"{mounted}_scale")
    from llmlab.widgets.attention import Viewer

    try:
        reading = Viewer(model, tokenizer).read(said)
    except LearnerError as error:
        st.warning(plain(error.say(language())))
        return
    ids, tokens = reading.ids[:MOST_TOKENS], reading.tokens[:MOST_TOKENS]
    st.plotly_chart(
        _drawn(*_weights(model, ids, layer, head, scaled), tokens),
        key=f"{mounted}_chart",
        config={"displayModeBar": False},
    )
    st.caption(say("ui_sheets.masks_bert" if config.style == "bert" else "ui_sheets.masks_gpt"))


def _number(place: Any, name: str, count: int, settings: dict[str, str], key: str) -> int:
    first = min(max(int(settings.get(name, 0)), 0), count - 1)
    return int(
        place.selectbox(
            say(f"ui_sheets.{name}"), range(count), first, format_func=lambda i: str(i + 1), key=f"{key}_{name}"
        )
    )


def _weights(model: Any, ids: list[int], layer: int, head: int, scaled: bool) -> tuple[Any, Any]:
    import torch

    from llmlab.lens.masks import causal_and_full
    from llmlab.models.trace import trace

    return causal_and_full(trace(model, torch.tensor([ids])), layer=layer, head=head, scaled=scaled)


def _drawn(causal: Any, full: Any, tokens: list[str]) -> Any:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    titles = (say("ui_sheets.causal"), say("ui_sheets.full"))
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles, horizontal_spacing=0.12)
    places = list(range(len(tokens)))
    hover = say("ui_sheets.hover")
    hue = tuple(bytes.fromhex(DARK.accent[1:]))  # one blue that shows on both papers
    for number, weights in enumerate((causal, full), 1):
        names = [[[row, column] for column in tokens] for row in tokens]
        figure.add_trace(
            go.Heatmap(
                z=weights.numpy(),
                x=places,
                y=places,
                customdata=names,
                zmin=0,
                zmax=1,
                xgap=1,
                ygap=1,
                showscale=False,
                colorscale=[[0, f"rgba{(*hue, 0.04)}"], [1, f"rgb{hue}"]],
                hovertemplate=hover + "<extra></extra>",
            ),
            row=1,
            col=number,
        )
    ticks = {"tickvals": places, "ticktext": tokens, "tickangle": 0, "showgrid": False}
    figure.update_xaxes(**ticks, title=say("ui_sheets.looked_at"))
    figure.update_yaxes(**ticks, autorange="reversed", col=1, title=say("ui_sheets.looking"))
    figure.update_yaxes(**ticks, autorange="reversed", col=2)
    figure.update_layout(height=360, margin={"l": 48, "r": 8, "t": 40, "b": 48}, hovermode="closest")
    return figure
