"""The families of models that open here: what each is good for, how large it is, and a taste of it in its own words."""

from typing import Any

import streamlit as st

from llmlab.charts.theme import DARK
from llmlab.i18n import LearnerError
from llmlab.ui import library_models, opened, openings, shell
from llmlab.ui.language import language, plain, say

TOP = 6
USES = {
    "Qwen3ForCausalLM": "qwen3",
    "LlamaForCausalLM": "llama",
    "GPT2LMHeadModel": "gpt2",
    "BertForPreTraining": "bert",
    "BertModel": "encoder",
}
"""What the classes of transformers are good for, as phrases `ui_labs.use_NAME`."""


def lab(settings: dict[str, str], key: str) -> None:
    """`model` is the one that is opened first."""
    rows = [row for row in library_models.rows() if row.entry is not None]
    heads = "| " + " | ".join(say(f"ui_labs.{name}") for name in ("model", "family", "size", "use")) + " |"
    st.markdown("\n".join([heads, "|---|---|---:|---|", *map(_line, rows)]))
    here = {row.name: row for row in rows if row.folder is not None}
    if not here:
        return
    names = list(here)
    wanted = settings.get("model", "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            say("ui_labs.open_here"),
            names,
            names.index(wanted) if wanted in here else 0,
            format_func=lambda name: here[name].title,
            key=f"{key}_model",
        )
    try:
        chosen = opened.by_name(name)
        with st.spinner(say("ui_shell.opening")):
            model, tokenizer = opened.open_model(chosen)
        _parts(model)
        _taste(model, tokenizer, chosen, f"{key}_{opened.widget_key('taste', chosen)}")
    except LearnerError as error:
        st.warning(plain(error.say(language())), icon=":material/lightbulb:")
        return
    _doors(name, writes=hasattr(model, "new_cache"))


def _line(row: Any) -> str:
    architecture = row.architecture.split(" ")[0]
    use = say(f"ui_labs.use_{USES[architecture]}") if architecture in USES else say("ui_labs.to_fetch")
    size = library_models.parameters_said(row.parameters or row.entry.parameters) or "–"
    return f"| {plain(row.title)} | {plain(architecture) or '–'} | {size} | {use} |"


def _parts(model: Any) -> None:
    config = model.config
    shown = {
        "layers": config.n_layers,
        "heads": config.n_heads,
        "width": config.d_model,
        "context": config.context_length,
        "vocabulary": config.vocab_size,
    }
    for place, (name, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        place.metric(say(f"ui_labs.{name}"), f"{value:,}")


def _taste(model: Any, tokenizer: Any, chosen: opened.Choice, key: str) -> None:
    """What this kind of model does with one text: goes on with it, fills its blank, or likens it to others."""
    if hasattr(model, "new_cache"):
        said = st.text_input(
            say("ui_labs.goes_on"), openings.first_text(chosen, tokenizer).rstrip("\n"), key=f"{key}_on"
        )
        from llmlab.generation import next_distribution

        found = next_distribution(model, tokenizer, said, top=TOP)
        _drawn(found.texts, found.probabilities, say("ui_labs.next_token"), say("ui_labs.probability"), key)
    elif model.mlm_head is not None:
        said = st.text_input(say("ui_labs.fills"), say("ui_labs.fills_first"), key=f"{key}_fill")
        from llmlab.generation.filling import fill

        blank = fill(model, tokenizer, said, top=TOP).blanks[0]
        words = [candidate.token for candidate in blank.candidates]
        values = [candidate.probability for candidate in blank.candidates]
        _drawn(words, values, say("ui_labs.in_blank"), say("ui_labs.probability"), key)
    else:
        said = st.text_input(say("ui_labs.likens"), say("ui_labs.likens_first"), key=f"{key}_like_{language()}")
        others = say("ui_labs.likened_to").split("|")
        from llmlab import hub
        from llmlab.models.sentence_embedding import sentence_embeddings

        prefix = hub.entry(chosen.name).sentence_prefix
        vectors = sentence_embeddings(model, tokenizer, [said, *others], prefix=prefix)
        likeness = (vectors[1:] @ vectors[0]).tolist()
        _drawn(others, likeness, say("ui_labs.sentence"), say("ui_labs.cosine"), key)


def _drawn(names: list[str], values: list[float], name_axis: str, value_axis: str, key: str) -> None:
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Bar(
            x=values,
            y=[f"{name}" + "\u200b" * i for i, name in enumerate(names)],  # two tokens may look alike
            orientation="h",
            marker_color=DARK.prediction,
            text=[f"{value:.2f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(title=value_axis, range=[0, 1.1 * max(*values, 0.01)])
    figure.update_yaxes(title=name_axis, autorange="reversed", type="category")
    figure.update_layout(height=250, margin={"l": 8, "r": 8, "t": 8, "b": 48})
    st.plotly_chart(figure, key=f"{key}_chart", config={"displayModeBar": False})


def _doors(name: str, *, writes: bool) -> None:
    with st.container(horizontal=True):
        for page in ("attention", "embeddings", *(["generate"] if writes else []), "library"):
            st.page_link(
                shell.file_of(page),
                label=say("ui_labs.open_in", page=say(f"ui_shell.page_{page}")),
                icon=":material/open_in_new:",
                query_params={"model": name, "lang": language()},
            )
