"""A computation graph inside a chapter: stepped forward and backward, on a formula that the reader may change."""

from typing import Any

from llmlab.ui import labs
from llmlab.ui.language import language
from llmlab.widgets.streamlit import replied, show


def lab(settings: dict[str, str], key: str) -> None:
    """`example` sets it up."""
    from llmlab.widgets.graph import Grapher, begin

    state = begin(settings.get("example", "square"), language())
    asked: dict[str, Any] | None = replied(key, "ask")
    if asked:
        state["answer"] = Grapher().answer(asked, language())
    state["scroll"] = labs.just_asked(key)
    show("graph", key=key, state=state, language=language())
