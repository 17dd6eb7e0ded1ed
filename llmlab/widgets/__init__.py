"""Interactive views: one ES module (anywidget format) and one Python class each; hosts: `streamlit`, `jupyter`, `html`.

A module is `NAME.js` with `export default { render({ model, el }) {…} }`: plain JavaScript, no imports. `model` is the
state: `get(k)`, `set(k, v)`, `save_changes()`, `on("change:k", f)`. Text goes in through `textContent` only.
"""

from functools import cache
from importlib.resources import files


@cache
def module(name: str) -> str:
    """The source of the ES module of a widget."""
    return (files("llmlab.widgets") / f"{name}.js").read_text(encoding="utf-8")


@cache
def stylesheet(name: str) -> str:
    """The style of a widget: the shared variables and rules, then its own."""
    from llmlab.charts.theme import css_variables

    room = files("llmlab.widgets")
    own = room / f"{name}.css"
    shared = (room / "shared.css").read_text(encoding="utf-8").replace("/* palette */", css_variables())
    return shared + (own.read_text(encoding="utf-8") if own.is_file() else "")
