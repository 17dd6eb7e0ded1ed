"""Parameters, memory, operations and cache of the well-known models, from their configurations."""

import streamlit as st

from llmlab.models.published import PUBLISHED, Published
from llmlab.models.size import flops_per_token, kv_cache_bytes, parameter_count, parameters, training_memory
from llmlab.ui.language import say

EXPLAINED_FROM = 0.005
"""A difference from the published count that is larger is explained under the table."""
WHOLE_NAMES = "<style>.st-key-lab_sheets :is(th, td):first-child { white-space: nowrap }</style>"
"""No line breaks at the hyphen of GPT-2."""
PARTS = ("embeddings", "attention", "feed_forward", "norms", "head")


def lab(settings: dict[str, str], key: str) -> None:
    """`model` ("GPT-3") is the one whose parts are listed first."""
    head = "| " + " | ".join(say(f"ui_sheets.{name}") for name in COLUMNS) + " |\n|---" + "|---:" * 7 + "|\n"
    st.html(WHOLE_NAMES)
    st.markdown(head + "\n".join(_line(model) for model in PUBLISHED))
    st.caption(say("ui_sheets.how"))
    for model in PUBLISHED:
        if model.note and abs(parameter_count(model.config) / model.count - 1) > EXPLAINED_FROM:
            st.caption(f"{model.name}: {say(f'ui_sheets.note_{model.note}')}")
    names = [model.name for model in PUBLISHED]
    wanted = settings.get("model", "GPT-2 small")
    name = st.selectbox(say("ui_sheets.parts_of"), names, names.index(wanted), key=f"{key}_model")
    model = PUBLISHED[names.index(name)]
    sizes = parameters(model.config)
    rows = [
        f"| {say(f'ui_sheets.part_{part}')} | {getattr(sizes, part):,} | {getattr(sizes, part) / sizes.total:.1%} |"
        for part in PARTS
    ]
    total = f"| **{say('ui_sheets.total')}** | **{sizes.total:,}** | 100% |"
    above = [f"| {name} | {say('ui_sheets.parameters')} | {say('ui_sheets.share')} |", "|---|---:|---:|"]
    st.markdown("\n".join([*above, *rows, total]))
    if model.note:
        st.caption(say(f"ui_sheets.note_{model.note}"))
    st.caption(say("ui_sheets.source", source=model.source, url=model.url))


COLUMNS = ("model", "parameters", "published", "difference", "weights", "training", "flops", "cache")


def _line(model: Published) -> str:
    config, count = model.config, parameter_count(model.config)
    cells = [
        model.name.replace(" ", "\u00a0"),
        f"{count / 1e6:,.1f}\u00a0M",
        f"{model.count / 1e6:,.0f}\u00a0M",
        f"{100 * (count / model.count - 1):+.2f}%",
        f"{scaled(2 * count)}B",  # bytes
        f"{scaled(training_memory(config, batch_size=1).total)}B",
        scaled(flops_per_token(config, training=False)),
        f"{scaled(kv_cache_bytes(config, precision='bfloat16'))}B" if config.style != "bert" else "–",
    ]
    return "| " + " | ".join(cells) + " |"


def scaled(number: float) -> str:
    """124439808 as "124.4 M": three or four digits and an SI prefix, kept on one line."""
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size:
            value = number / size
            return f"{value:.4g}\u00a0{prefix}" if value >= 100 else f"{value:.3g}\u00a0{prefix}"
    return f"{number:.0f}"
