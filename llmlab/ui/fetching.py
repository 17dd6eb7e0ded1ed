"""Fetching in the background: a thread that knows nothing of Streamlit, and a bar that looks at it twice a second.

A fetch goes on when the reader changes page; everybody who asks for the same entry sees the same one.
"""

import logging
import threading
from dataclasses import dataclass
from typing import Any

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui.language import language, plain, say


@dataclass
class Fetch:
    """One fetch under way, or the last one of its name."""

    arrived: int = 0
    expected: int | None = None
    finished: bool = False
    stopping: bool = False
    problem: LearnerError | None = None


_fetches: dict[str, Fetch] = {}
_lock = threading.Lock()


def start(name: str) -> None:
    """Begin to fetch an entry of the catalogue, unless that is happening already."""
    from llmlab.hub.catalogue import entry

    with _lock:
        known = _fetches.get(name)
        if known is not None and not known.finished:
            return
        _fetches[name] = Fetch(expected=entry(name).size_bytes or None)
        threading.Thread(target=_work, args=(name, _fetches[name]), daemon=True).start()


def under_way(name: str) -> bool:
    """Whether the entry is being fetched now."""
    known = _fetches.get(name)
    return known is not None and not known.finished


def stop(name: str) -> None:
    """Ask a fetch to end; while it unpacks or converts it is not asked any more."""
    _fetches[name].stopping = True


def _work(name: str, fetch: Fetch) -> None:
    from llmlab.hub.catalogue import entry
    from llmlab.hub.corpora import corpus_text
    from llmlab.hub.fetch import fetch as fetch_entry

    def progress(arrived: int, expected: int | None) -> None:
        if fetch.stopping:
            raise LearnerError("ui_library.fetch_stopped", name=name)
        fetch.arrived, fetch.expected = arrived, expected

    try:
        if entry(name).kind == "corpus":
            corpus_text(name, progress=progress)  # prepared at once, so that the first look is quick too
        else:
            fetch_entry(name, progress=progress)
    except LearnerError as error:
        fetch.problem = error
    except Exception:
        logging.getLogger(__name__).exception("Fetching %s failed", name)
        fetch.problem = LearnerError("ui_library.fetch_failed", name=name)
    finally:
        fetch.finished = True


def offer(name: str, *, key: str) -> None:
    """The button that fetches an entry, or how far its fetching is, or why it did not work."""

    known = _fetches.get(name)
    if known is not None and not known.finished:
        _bar(name)
        return
    if known is not None and known.problem is not None:
        st.warning(plain(known.problem.say(language())), icon=":material/cloud_off:")
    from llmlab.hub.catalogue import entry

    found = entry(name)
    label = say("ui_library.fetch_size", size=size(found.size_bytes))
    st.button(label, key=key, icon=":material/download:", on_click=start, args=(name,))


@st.fragment(run_every=0.5)
def _bar(name: str) -> None:
    fetch = _fetches[name]
    if fetch.finished:
        st.rerun()
    share = min(fetch.arrived / fetch.expected, 1.0) if fetch.expected else 0.0
    if fetch.expected and fetch.arrived >= fetch.expected:
        from llmlab.hub.catalogue import entry

        st.progress(1.0, say("ui_library.preparing" if entry(name).kind == "corpus" else "ui_library.converting"))
        return
    st.progress(share, say("ui_library.fetching", arrived=size(fetch.arrived), size=size(fetch.expected or 0)))
    st.button(
        say("ui_library.stop_fetch"),
        key=f"library_stop_{name}",
        type="tertiary",
        icon=":material/close:",
        on_click=stop,
        args=(name,),
        disabled=fetch.stopping,
    )


def size(n_bytes: int) -> str:
    """Bytes as people say them."""
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:.0f} kB"
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.1f} GB"


def licence(entry: Any) -> str:
    """An entry's licence in the reader's language: identifiers as they are, `public domain` in words."""
    kind, _, collection = entry.licence.partition(" (collection: ")
    if kind != "public domain":
        return str(entry.licence)
    return say("ui_library.public_domain", collection=collection.rstrip(")"))
