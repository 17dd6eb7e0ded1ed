"""Writes a widget into one self-contained HTML file: what it shows stands still, what it holds can be explored."""

import html
import json
from collections.abc import Mapping
from typing import Any

from llmlab.widgets import module, stylesheet

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>{title}</title><style>:root {{ color-scheme: light dark; }} body {{ margin: 2rem; background: light-dark(#FCFBF8, #15181D); }}
{style}</style></head><body><div class="llmlab" id="widget"></div><script>"use strict"; {{
{module}
const state = {state};
const later = (k) => {{ const block = document.getElementById("later-" + k); return block ? JSON.parse(block.textContent) : undefined; }};
const model = {{ get: (k) => (state[k] === undefined ? (state[k] = later(k)) : state[k]), set: (k, v) => {{ state[k] = v; }},
  save_changes() {{}}, on() {{}}, off() {{}}, send() {{}} }};
llmlabWidget.render({{ model, el: document.getElementById("widget") }});
}}</script>{later}</body></html>
"""  # noqa: E501
_LATER = '<script type="application/json" id="later-{name}">{value}</script>'


def json_for_script(value: object) -> str:
    """JSON that can stand inside a script element, whatever text it carries."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def page(
    name: str,
    state: Mapping[str, Any],
    *,
    title: str,
    language: str = "en",
    later: Mapping[str, Any] | None = None,
) -> str:
    """The HTML of a widget with its state; loads nothing from anywhere.

    `later` is more state, which stands after the widget: it is drawn before that is read, and reads it when it asks.
    """
    return _PAGE.format(
        language=html.escape(language, quote=True),
        title=html.escape(title),
        style=stylesheet(name),
        module=module(name).replace("export default", "const llmlabWidget =", 1),
        state=json_for_script(dict(state)),
        later="".join(
            _LATER.format(name=html.escape(key, quote=True), value=json_for_script(value))
            for key, value in (later or {}).items()
        ),
    )
