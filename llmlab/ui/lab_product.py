"""One product of two matrices computed five ways and timed on this machine, inside a chapter."""

import streamlit as st

from llmlab.ui.language import language, say
from llmlab.widgets import labels
from llmlab.widgets.streamlit import show

SIZES = (32, 64, 128, 256, 512)


def lab(settings: dict[str, str], key: str) -> None:
    """`size` sets it up."""
    from llmlab.autodiff.products import LARGEST_LOOP, measure

    wanted = int(settings.get("size", 128))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.segmented_control(
            say("ui_course.product_size"),
            SIZES,
            default=wanted if wanted in SIZES else 128,
            required=True,
            key=f"{key}_size",
            format_func=lambda n: f"{n} × {n}",
        )
        pressed = st.button(say("ui_course.product_go"), type="primary", key=f"{key}_go")
    kept = f"{key}_times"
    times: dict[int, dict[str, float]] = st.session_state.setdefault(kept, {})
    if pressed and size:
        with st.spinner(say("ui_course.product_busy")):
            times[size] = measure(size)
    if size in times:
        seconds = times[size]
        words = labels("product_times", language())
        state = {"seconds": seconds, "size": size, "rows": LARGEST_LOOP, "labels": words}
        show("product_times", key=f"{key}_picture", state=state, replies=(), language=language())
    else:
        st.caption(say("ui_course.product_first"))
