"""Live views inside chapters. A lab NAME is a file `llmlab/ui/lab_NAME.py` with a function

    def lab(settings: dict[str, str], key: str) -> None: ...

that draws it. `settings` are what the source and the last word that acts say ("head" -> "2"), `key` begins the keys of
its widgets and changes with the settings, so that a word that acts starts it afresh.
"""

import importlib
import importlib.util
from functools import cache
from typing import Any

import streamlit as st

from llmlab.course import prose
from llmlab.course.unit import Block
from llmlab.ui import shell
from llmlab.ui.language import language, say

_COME = """
export default function (component) {
  const root = component.parentElement.getRootNode(), inside = root.host || component.parentElement;
  const lab = inside.closest("[class*='st-key-lab_']");
  if (!lab) return;
  lab.style.scrollMarginTop = "4.5rem";
  const come = () => {
    const { top, height } = lab.getBoundingClientRect(), room = window.innerHeight;
    if (top < 60 || top + Math.min(height, room - 80) > room) lab.scrollIntoView({ block: "start" });
  };
  const growing = new ResizeObserver(come);  // what it shows may arrive a moment later
  const stay = () => growing.disconnect();
  growing.observe(lab);
  setTimeout(stay, 2000);
  for (const hand of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(hand, stay, { once: true });
}
"""
"""A word that acts may stand far from the lab that it sets up: the lab comes into view."""


def exists(name: str) -> bool:
    return importlib.util.find_spec(f"llmlab.ui.lab_{name}") is not None


def set_up(unit: str, name: str, settings: dict[str, str]) -> None:
    """What a word that acts asks of a lab of its chapter."""
    slot = _slot(unit, name)
    before = st.session_state.get(slot, {"count": 0})
    st.session_state[slot] = {"count": before["count"] + 1, "settings": settings}


def unit_of(key: str, name: str) -> str:
    """The unit in which a lab of this name was drawn under this key."""
    return key.removeprefix("lab_").rpartition(f"_{name}_")[0]


def just_asked(key: str) -> bool:
    """Whether a word that acts has set up the lab under this key and it is drawn for the first time: come into view."""
    first = f"{key}_seen" not in st.session_state
    st.session_state[f"{key}_seen"] = True
    return first and not key.endswith("_0")


def draw(unit: str, block: Block) -> None:
    """The lab with its caption, and the way to the page it is from."""
    with st.container(border=True, key=f"lab_{block.name}"):
        st.caption(block.values["caption"][language()])
        _come_when_asked(_slot(unit, block.name))
        inside(unit, block)
        page = block.values.get("page")
        if page:
            path, query = prose.target(page)
            st.page_link(
                shell.file_of(path),
                label=say("ui_course.to_page"),
                icon=":material/open_in_new:",
                query_params={**query, "lang": language()},
            )


def _come_when_asked(slot: str) -> None:
    count = st.session_state.get(slot, {"count": 0})["count"]
    if count != st.session_state.get(f"{slot}_came", 0):
        st.session_state[f"{slot}_came"] = count
        _come()(key=f"come_{slot}_{count}", height=1)  # no key that begins as a lab's does: it looks for its lab


@cache
def _come() -> Any:
    return st.components.v2.component("llmlab_come", js=_COME)


@shell.fragment
def inside(unit: str, block: Block) -> None:
    asked = st.session_state.get(_slot(unit, block.name), {"count": 0, "settings": {}})
    settings = {key: str(value) for key, value in block.values.get("settings", {}).items()} | asked["settings"]
    module = importlib.import_module(f"llmlab.ui.lab_{block.name}")
    module.lab(settings, f"{_slot(unit, block.name)}_{asked['count']}")


def _slot(unit: str, name: str) -> str:
    return f"lab_{unit}_{name}"
