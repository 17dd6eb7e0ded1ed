"""The race of optimisers inside a chapter."""

from typing import Any

from llmlab.ui import labs
from llmlab.ui.language import language
from llmlab.widgets.streamlit import replied, show


def lab(settings: dict[str, str], key: str) -> None:
    """`surface`, `start` ("x,y"), `factor` (on all rates), `only` (optimisers between commas) set it up."""
    from llmlab.widgets.optimiser_race import begin

    asked: dict[str, Any] = replied(key, "ask") or {
        "surface": settings.get("surface", "ravine"),
        "start": [float(w) for w in settings["start"].split(",")] if "start" in settings else None,
        "factor": float(settings.get("factor", 1.0)),
    }
    only = [name for name in settings.get("only", "").split(",") if name]
    state = begin(asked, language(), only=only) | {"scroll": labs.just_asked(key)}
    show("optimiser_race", key=key, state=state, language=language())
