"""Hosts a widget's ES module in Streamlit: the same string that Jupyter gets, adapted to components v2.

`show("reader", key="reader", state={…})` mounts it; a value the widget saves (`model.set("ask", …)`) is
`replied("reader", "ask")` in the next run. A fixed key keeps it mounted, so updates keep focus, scroll and zoom.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import streamlit as st

from llmlab.widgets import module, stylesheet

_ADAPTER = r"""
const instances = new WeakMap();
export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);
  let instance = instances.get(parentElement);
  if (!instance) {
    const state = { ...data.state }, handlers = {}, changed = new Set();
    const fire = (key) => [...(handlers["change:" + key] || []), ...(handlers.change || [])].forEach((f) => f());
    const model = {
      get: (key) => state[key],
      set: (key, value) => { state[key] = value; changed.add(key); fire(key); },
      save_changes: () => { for (const key of changed) instance.send(key, state[key]); changed.clear(); },
      on: (event, f) => (handlers[event] ||= []).push(f),
      off: (event, f) => { handlers[event] = (handlers[event] || []).filter((g) => g !== f); },
      send: () => {},
    };
    const el = document.createElement("div");
    el.className = "llmlab";
    el.lang = data.lang;
    parentElement.appendChild(el);
    instance = { send: setStateValue, update: (next) => {
      const moved = Object.keys(next).filter((key) => !same(state[key], next[key]));
      moved.forEach((key) => { state[key] = next[key]; });
      moved.forEach(fire);
    } };
    const look = () => ((style) => style.color + style.getPropertyValue("--ink"))(getComputedStyle(el));
    let looked = look();  // canvases do not follow the theme by themselves: `change:theme` tells them
    instance.restyle = () => { if (look() !== looked) { looked = look(); fire("theme"); } };
    instances.set(parentElement, instance);
    const cleanup = llmlabWidget.render({ model, el });
    instance.remove = () => { if (cleanup) cleanup(); el.remove(); instances.delete(parentElement); };
  } else {
    instance.send = setStateValue;
    parentElement.querySelector(".llmlab").lang = data.lang;
    instance.update(data.state);
    instance.restyle();
  }
  return instance.remove;
}
"""


@cache
def _component(name: str) -> Callable[..., Any]:
    source = module(name)
    if source.count("export default") != 1:
        raise ValueError(f"widget {name!r} must have exactly one `export default`")
    source = source.replace("export default", "const llmlabWidget =", 1) + _ADAPTER
    mount: Callable[..., Any] = st.components.v2.component(f"llmlab_{name}", css=stylesheet(name), js=source)
    return mount


def replied(key: str, name: str, default: Any = None) -> Any:
    """The last value that the widget mounted under `key` saved as `name`, from the run before."""
    return dict(st.session_state.get(key) or {}).get(name, default)


def show(
    name: str,
    *,
    key: str,
    state: Mapping[str, Any],
    replies: Sequence[str] = ("ask",),
    on_reply: Callable[[], None] | None = None,
    language: str = "en",
) -> None:
    """Mount or update a widget.

    `state` holds JSON-able values (big arrays as base64); `replies` names the values the widget may save;
    `on_reply` runs before the script when one of them changes. `language` sets the `lang` of its element.
    """
    callbacks = {f"on_{reply}_change": on_reply or (lambda: None) for reply in replies}
    _component(name)(key=key, data={"state": dict(state), "lang": language}, **callbacks)
