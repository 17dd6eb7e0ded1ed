"""Hosts a widget's ES module in Jupyter with `anywidget`."""

from collections.abc import Callable, Mapping
from typing import Any

from llmlab.widgets import module, stylesheet

_WRAP = """
const llmlabRender = ({ model, el }) => {
  el.classList.add("llmlab");
  return llmlabWidget.render({ model, el });
};
export default { render: llmlabRender };
"""


def host(name: str, state: Mapping[str, Any], answer: Callable[[Mapping[str, Any]], Any] | None = None) -> Any:
    """The widget as an `anywidget.AnyWidget` with one synchronised trait for each key of `state`.

    What the widget asks (`ask`) is given to `answer`, whose result becomes its `answer`.
    """
    import anywidget
    import traitlets

    traits: dict[str, Any] = {key: traitlets.Any(value).tag(sync=True) for key, value in state.items()}
    traits["ask"] = traitlets.Any(None).tag(sync=True)
    source = module(name).replace("export default", "const llmlabWidget =", 1) + _WRAP
    made = type(name.title(), (anywidget.AnyWidget,), {"_esm": source, "_css": stylesheet(name), **traits})()
    if answer is not None:
        made.observe(lambda change: setattr(made, "answer", answer(change["new"])), names="ask")
    return made
