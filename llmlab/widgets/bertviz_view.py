"""The views of bertviz (Vig 2019) on our traces, as pages that need no network.

bertviz fetches d3, jQuery and require.js from a server, and its neuron view reads only three model classes of its own.
Here its scripts are taken as installed, the libraries come from packages that carry them, and the attention, queries
and keys come from a trace. Tokens go in as escaped JSON, and the page forbids itself every request.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from llmlab.i18n import LearnerError
from llmlab.widgets.attention import Seen
from llmlab.widgets.html import json_for_script

View = Literal["head", "model", "neuron"]
HEIGHT = 640
"""Pixels for the frame around a view; what is longer scrolls."""
MOST_WEIGHTS = 700_000
"""bertviz draws an SVG line for each weight: 12 × 12 heads on 64 tokens are 590,000."""

_LIBRARIES = (
    ("nbclassic", "static/components/requirejs/require.js"),
    ("mpld3", "js/d3.v5.min.js"),
    ("nbclassic", "static/components/jquery/dist/jquery.min.js"),
)
_ROOT = "bertviz"
_PAGE = """<!doctype html>
<html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>bertviz</title><style>body {{ margin: 8px; background: #fff; font-family: Helvetica, Arial, sans-serif; }}</style>
</head><body><div id="{root}"><span>{choices}</span><div id="vis"></div></div>
{libraries}<script>define("d3", d3_library); define("jquery", jquery_library);
window.bertviz_params = {parameters};</script>
<script>{view}</script></body></html>
"""  # noqa: E501


def draw(view: View, seen: Seen, *, layer: int = 0, head: int = 0) -> str:
    """The HTML of a view of bertviz, opened on a layer and head.

    Where all layers are too many to draw, the head view has that one.

    Raises LearnerError when bertviz is not installed, and for a text with more lines than a browser can hold.
    """
    layers, heads, seq, _ = seen.weights.shape
    shown = [layer] if view == "head" and seen.weights.size > MOST_WEIGHTS else list(range(layers))
    count = len(shown) * heads * seq * seq
    if count > MOST_WEIGHTS:
        most = int(np.sqrt(MOST_WEIGHTS / (len(shown) * heads)))
        raise LearnerError("widgets.bertviz_large", weights=f"{count:,}", most=most)
    given = parameters(view, seen, shown, layer, head)
    return _PAGE.format(
        root=_ROOT,
        choices=_choices(view),
        libraries=_libraries(),
        parameters=json_for_script(given),
        view=_script(view),
    )


def parameters(view: View, seen: Seen, layers: list[int], layer: int, head: int) -> dict[str, Any]:
    """What a view of bertviz reads, with the names it uses."""
    tokens = seen.reading.tokens
    attention: dict[str, Any] = {
        "name": None,
        "attn": [seen.weights[i].tolist() for i in layers],
        "left_text": tokens,
        "right_text": tokens,
    }
    common = {"default_filter": "0", "root_div_id": _ROOT, "include_layers": layers}
    if view == "head":
        return {**common, "attention": [attention], "layer": layer, "heads": [head]}
    if view == "model":
        heads = list(range(seen.weights.shape[1]))
        mode = {"display_mode": "light", "include_heads": heads, "total_heads": len(heads)}
        return {**common, **mode, "attention": [attention]}
    every = [[seen.head(i, h) for h in range(seen.weights.shape[1])] for i in layers]
    attention["queries"] = [[one.q.tolist() for one in row] for row in every]
    attention["keys"] = [[one.k.tolist() for one in row] for row in every]
    return {
        **common,
        "attention": {"all": attention},
        "default_filter": "all",
        "display_mode": "light",
        "bidirectional": not seen.causal,
        "layer": layer,
        "head": head,
    }


def _choices(view: View) -> str:
    layer = 'Layer: <select id="layer"></select>'
    return {"head": layer, "model": "", "neuron": f'{layer} Head: <select id="att_head"></select>'}[view]


@cache
def _script(view: View) -> str:
    """The view's own script, with its parameters in a variable instead of in its text."""
    source = _installed("bertviz", f"{view}_view.js")
    found = source.replace("PYTHON_PARAMS", "window.bertviz_params", 1)
    return found.replace("https://cdnjs.cloudflare.com/", "about:blank#")


@cache
def _libraries() -> str:
    """The libraries: require.js first, the others inside functions that `define` calls under the names asked for."""
    require, d3, jquery = (_installed(package, path) for package, path in _LIBRARIES)
    wrapped = (
        f"function d3_library() {{ const exports = {{}}, module = {{ exports }}, define = undefined;\n{d3}\n"
        "return exports; }",
        f"function jquery_library() {{ const module = {{ exports: {{}} }}, define = undefined;\n{jquery}\n"
        "return module.exports; }",
    )
    return "".join(f"<script>{_inline(source)}</script>\n" for source in (require, *wrapped))


def _installed(package: str, path: str) -> str:
    try:
        return (files(package) / path).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        raise LearnerError("widgets.bertviz_missing") from None


def _inline(source: str) -> str:
    """A script that can stand inside a script element: where it speaks of `</script` the browser must not see it."""
    return source.replace("</script", "<\\/script").replace("<!--", "<\\!--")
