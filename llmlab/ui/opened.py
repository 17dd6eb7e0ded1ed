"""Which model a page shows, and opening it once for all sessions.

A page shows what the reader chose; else the newest model trained here; else the embedded model of the language.
Choosing needs no torch, opening does.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from llmlab.i18n import Language, LearnerError
from llmlab.ui.language import language, plain, say

if TYPE_CHECKING:
    from llmlab.models.gpt import GPT
    from llmlab.text.tokenizer import Tokenizer

_CHOICE = "model_choice"
_EMBEDDED = {"en": ("shakespeare-gpt", "tang-gpt"), "zh": ("tang-gpt", "shakespeare-gpt")}

OPENINGS = ("To be, or not to be, that is the ", "床前明月光，疑是地上", "Once upon a time", "从前有一")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A model folder, its name for the reader, the run it came from, and the catalogue name if it is embedded."""

    folder: Path
    title: str
    run: Path | None = None
    name: str | None = None


def choose(folder: Path, title: str, *, run: Path | None = None) -> None:
    """Show this model on every page of the session from now on; `st.switch_page` may follow."""
    st.session_state[_CHOICE] = Choice(folder=folder, title=title, run=run)


def choose_embedded() -> None:
    st.session_state[_CHOICE] = "embedded"


def choose_newest() -> None:
    st.session_state[_CHOICE] = None


def embedded() -> Choice | None:
    """The model that comes with the project in the reader's language, else in the other one."""
    from llmlab import hub
    from llmlab.hub import catalogue

    for name in _EMBEDDED[language()]:
        folder = hub.assets() / name
        if (folder / "config.json").is_file():
            return Choice(folder=folder, title=catalogue.entry(name).title[language()], name=name)
    return None


def newest() -> Choice | None:
    """The newest model that this reader trained here."""
    from llmlab.training import runs
    from llmlab.ui import ownership

    kept = [(best.stat().st_mtime, run, best) for run in runs.list_runs() if (best := runs.best(run)) is not None]
    for _, run, folder in sorted(kept, reverse=True):
        if ownership.owns(runs.owner(run)):
            return Choice(folder=folder, title=run.name, run=run)
    return None


def choice() -> Choice:
    """What this session looks at. Raises LearnerError when there is no model at all."""
    chosen = st.session_state.get(_CHOICE)
    if isinstance(chosen, Choice) and (chosen.folder / "config.json").is_file():
        return chosen
    found = embedded() or newest() if chosen == "embedded" else newest() or embedded()
    if found is None:
        raise LearnerError("ui_shell.no_model")
    return found


def open_model(chosen: Choice) -> "tuple[GPT, Tokenizer]":
    """The model in eval mode and its tokenizer, kept open for every session. Raises LearnerError as `hub.load` does."""
    stamp = (chosen.folder / "config.json").stat().st_mtime_ns
    return _open(str(chosen.folder), stamp)


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(folder: str, stamp: int) -> "tuple[GPT, Tokenizer]":
    from llmlab import hub

    model, tokenizer = hub.load(folder)
    return model, tokenizer


@st.cache_resource(show_spinner=False)
def warm() -> None:
    """Import what opening a model needs while the first page is being drawn; once a process."""

    def imports() -> None:
        import llmlab.generation.decoding
        import llmlab.hub.folder
        import llmlab.models.trace  # noqa: F401

    threading.Thread(target=imports, name="warm-imports", daemon=True).start()


def opening_text(tokenizer: "Tokenizer", wanted: Language) -> str:
    """A first text in the reader's language that this tokenizer can read; else its own first tokens."""
    order = sorted(OPENINGS, key=lambda text: (text.isascii() == (wanted == "zh"), OPENINGS.index(text)))
    readable = [text for text in order if not tokenizer.missing(text)]
    return readable[0] if readable else tokenizer.decode(list(range(min(8, tokenizer.vocab_size))))


def which(chosen: Choice) -> None:
    """One line that says whose model is on show, and the click that changes it."""
    own = chosen.name is None
    other = embedded() if own else newest()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(say("ui_shell.model_own" if own else "ui_shell.model_embedded", title=plain(chosen.title)))
        if other is not None:
            st.button(
                say("ui_shell.to_embedded" if own else "ui_shell.to_newest", title=other.title),
                key="model_switch",
                type="tertiary",
                icon=":material/swap_horiz:",
                on_click=choose_embedded if own else choose_newest,
            )
