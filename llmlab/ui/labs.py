"""Live views inside chapters. A lab NAME is a file `llmlab/ui/lab_NAME.py` with a function

    def lab(settings: dict[str, str], key: str) -> None: ...

that draws it. `settings` are what the source and the last word that acts say ("head" -> "2"), `key` begins the keys of
its widgets and changes with the settings, so that a word that acts starts it afresh.
"""

import importlib
import importlib.util

import streamlit as st

from llmlab.course import prose
from llmlab.course.unit import Block
from llmlab.ui import shell
from llmlab.ui.language import language, say


def exists(name: str) -> bool:
    return importlib.util.find_spec(f"llmlab.ui.lab_{name}") is not None


def set_up(unit: str, name: str, settings: dict[str, str]) -> None:
    """What a word that acts asks of a lab of its chapter."""
    slot = _slot(unit, name)
    before = st.session_state.get(slot, {"count": 0})
    st.session_state[slot] = {"count": before["count"] + 1, "settings": settings}


def just_asked(key: str) -> bool:
    """Whether a word that acts has set up the lab under this key and it is drawn for the first time: come into view."""
    first = f"{key}_seen" not in st.session_state
    st.session_state[f"{key}_seen"] = True
    return first and not key.endswith("_0")


def draw(unit: str, block: Block) -> None:
    """The lab with its caption, and the way to the page it is from."""
    with st.container(border=True, key=f"lab_{block.name}"):
        st.caption(block.values["caption"][language()])
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


@shell.fragment
def inside(unit: str, block: Block) -> None:
    asked = st.session_state.get(_slot(unit, block.name), {"count": 0, "settings": {}})
    settings = {key: str(value) for key, value in block.values.get("settings", {}).items()} | asked["settings"]
    module = importlib.import_module(f"llmlab.ui.lab_{block.name}")
    module.lab(settings, f"{_slot(unit, block.name)}_{asked['count']}")


def _slot(unit: str, name: str) -> str:
    return f"lab_{unit}_{name}"
