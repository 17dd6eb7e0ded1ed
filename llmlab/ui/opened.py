"""Which model a page shows, and opening it once for all sessions.

A page shows what the reader chose; else the newest model trained here; else the embedded model of the language.
A page that lets a model write passes over models that only fill in blanks. Choosing needs no torch, opening does.
"""

import gc
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from llmlab.i18n import Language, LearnerError
from llmlab.ui.language import language, plain, say

if TYPE_CHECKING:
    from llmlab.models.build import Model
    from llmlab.models.gpt import GPT
    from llmlab.text.tokenizer import Tokenizer

T = TypeVar("T")

_CHOICE = "model_choice"
_WRITTEN = "model_in_address"
_EMBEDDED = {"en": ("shakespeare-gpt", "tang-gpt"), "zh": ("tang-gpt", "shakespeare-gpt")}

OPENINGS = ("To be, or not to be, that is the ", "床前明月光，疑是地上", "Once upon a time", "从前有一")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A model folder, its title for the reader, the run it came from, and its name if the library knows it."""

    folder: Path
    title: str
    name: str
    run: Path | None = None
    imported: bool = False

    @property
    def own(self) -> bool:
        """Whether it was trained or imported here."""
        return self.run is not None or self.imported


def choose_embedded() -> None:
    _remember("embedded")


def choose_newest() -> None:
    _remember(None)


def _remember(wanted: str | None) -> None:
    st.query_params.pop("model", None)
    st.session_state[_CHOICE] = wanted


def address(chosen: Choice) -> dict[str, str]:
    """What an address says of the model on show; for this session it is no choice, newer models still come first."""
    st.session_state[_WRITTEN] = chosen.name
    return {"model": chosen.name}


def into_address(chosen: Choice) -> None:
    """Name the model on show in the address, to be shared."""
    named = address(chosen)["model"]
    if st.query_params.get("model") != named:
        st.query_params["model"] = named


def embedded() -> Choice | None:
    """The model that comes with the project in the reader's language, else in the other one."""
    from llmlab import hub

    for name in _EMBEDDED[language()]:
        if (hub.assets() / name / "config.json").is_file():
            return _of_library(name)
    return None


def newest(*, writes: bool = False) -> Choice | None:
    """The newest model that this reader trained here, or of those that write; runs of the speed lab are cut short, and
    do not count.
    """
    from llmlab.training import runs
    from llmlab.ui import ownership

    for run in runs.list_runs():
        if runs.purpose(run) is None and runs.checkpoints(run) and ownership.owns(runs.owner(run)):
            found = Choice(folder=runs.best(run), title=run.name, name=run.name, run=run)
            if not writes or _writes(found):
                return found
    return None


def _writes(chosen: Choice) -> bool:
    """Whether a model continues a text; a BERT fills in blanks."""
    described = json.loads((chosen.folder / "config.json").read_text(encoding="utf-8"))
    return bool(described.get("model_type") != "bert")


def choice(*, writes: bool = False) -> Choice:
    """What this session looks at: the `?model=` of the address, else the session's choice, else the newest own model,
    else the embedded one. Raises LearnerError when there is no such model, or none at all.

    `writes`: a BERT that was chosen on another page, or trained last, gives way to the newest model that can write.
    """
    asked = st.query_params.get("model")
    if asked and asked != st.session_state.get(_WRITTEN):
        st.session_state[_CHOICE] = asked
    wanted = st.session_state.get(_CHOICE)
    if wanted == "embedded":
        found = embedded() or newest(writes=writes)
    elif wanted:
        try:
            named = by_name(wanted)
        except LearnerError:
            _remember(None)
            raise
        if not writes or asked or _writes(named):
            return named
        found = newest(writes=True) or embedded()
    else:
        found = newest(writes=writes) or embedded()
    if found is None:
        raise LearnerError("ui_shell.no_model")
    return found


def by_name(name: str) -> Choice:
    """A run or a model of the library, by name alone: an address never reaches other folders, and fetches nothing."""
    from llmlab import hub
    from llmlab.training import runs

    found = {run.name: run for run in runs.list_runs()}.get(name)
    if found is not None:
        return Choice(folder=runs.best(found), title=name, name=name, run=found)
    if name in [entry.name for entry in hub.entries("model")] and hub.is_local(name):
        return _of_library(name)
    imported = {folder.name: folder for folder in runs.list_imported()}
    if name in imported:
        return Choice(folder=imported[name], title=name, name=name, imported=True)
    raise LearnerError("ui_shell.model_gone", name=name)


def _of_library(name: str) -> Choice:
    from llmlab import hub

    return Choice(folder=hub.fetch(name), title=hub.entry(name).title[language()], name=name)


def open_model(chosen: Choice) -> "tuple[GPT, Tokenizer]":
    """The model in eval mode and its tokenizer, kept open for every session. Raises LearnerError as `hub.load` does."""
    stamp = (chosen.folder / "config.json").stat().st_mtime_ns
    return _open(str(chosen.folder), stamp)


def shown(*, writes: bool = False) -> "tuple[Choice, GPT, Tokenizer]":
    """What this session looks at, opened while a spinner says so; `writes` as for `choice`."""
    chosen = choice(writes=writes)
    with st.spinner(say("ui_shell.opening")):
        model, tokenizer = open_model(chosen)
    return chosen, model, tokenizer


def filler() -> "tuple[Choice, Model, Tokenizer] | None":
    """The same if it is a model that fills in blanks; None for one that writes."""
    found = shown()
    return None if hasattr(found[1], "new_cache") else found


def writer() -> "tuple[Choice, GPT, Tokenizer]":
    """The same for a page that lets a model write. Raises LearnerError where the address names one that cannot."""
    chosen, model, tokenizer = shown(writes=True)
    if not hasattr(model, "new_cache"):
        raise LearnerError("ui_shell.not_a_writer", title=chosen.title)
    return chosen, model, tokenizer


def widget_key(name: str, chosen: Choice) -> str:
    """The session key of a model's widget: another model has another, so that nothing of the first stays on it."""
    return f"{name}_" + hashlib.sha256(str(chosen.folder).encode()).hexdigest()[:8]


def companion(name: str, make: "Callable[[GPT, Tokenizer], T]", chosen: Choice) -> T:
    """What a page keeps beside the model (`make(model, tokenizer)`): one a session and model."""
    model, tokenizer = open_model(chosen)
    found: Any = st.session_state.get(name)
    if found is None or found.model is not model:
        found = st.session_state[name] = make(model, tokenizer)
    return found


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(folder: str, stamp: int) -> "tuple[GPT, Tokenizer]":
    from llmlab import hub

    _one_thread()  # here too: the first page may open its model before `warm` is done
    model, tokenizer = hub.load(folder)
    gc.freeze()
    return model.float(), tokenizer  # printed numbers are float32, whatever the weights are kept in


def warm() -> None:
    """Import what opening a model needs while the server starts and the first browser loads the page."""

    def imports() -> None:
        import llmlab.hub.folder
        import llmlab.widgets.attention
        import llmlab.widgets.generated_text
        import llmlab.widgets.reader  # noqa: F401

        _one_thread()
        _tidy()
        gc.freeze()  # Streamlit collects garbage after every run: torch's modules must not be walked each time

    threading.Thread(target=imports, name="warm-imports", daemon=True).start()


def _one_thread() -> None:
    """One token at a time gains nothing from more threads; beside a training they wait for each other for seconds."""
    import torch

    torch.set_num_threads(1)


def _tidy() -> None:
    from llmlab.ui import deleted, uploads

    deleted.clear()
    uploads.clear()


def opening_text(tokenizer: "Tokenizer", wanted: Language) -> str:
    """A first text in the reader's language that this tokenizer can read; else its own first tokens."""
    order = sorted(OPENINGS, key=lambda text: (text.isascii() == (wanted == "zh"), OPENINGS.index(text)))
    readable = [text for text in order if not tokenizer.missing(text)]
    return readable[0] if readable else tokenizer.decode(list(range(min(8, tokenizer.vocab_size))))


def _whose(chosen: Choice) -> str:
    from llmlab import hub

    if chosen.own:
        return "own"
    return "embedded" if hub.assets() in chosen.folder.parents else "fetched"


def which(chosen: Choice, *, writes: bool = False) -> None:
    """One line that says whose model is on show, and the click that changes it."""
    other = embedded() if chosen.own else newest(writes=writes) or embedded()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(say(f"ui_shell.model_{_whose(chosen)}", title=plain(chosen.title)))
        if other is not None and other.folder != chosen.folder:
            st.button(
                say("ui_shell.to_newest" if other.own else "ui_shell.to_embedded", title=other.title),
                key="model_switch",
                type="tertiary",
                icon=":material/swap_horiz:",
                on_click=choose_newest if other.own else choose_embedded,
            )
