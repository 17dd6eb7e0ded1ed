"""The texts of the Library: what each corpus is, under which licence, and whether it is on this machine."""

from typing import Any

import streamlit as st

from llmlab.ui import fetching, shell
from llmlab.ui.language import language, plain, say

_WIDTHS = (2.6, 2.3, 1.4, 1.7, 1.6, 2.5)
HEADS = ("name", "licence", "languages", "size", "source")


def matching(words: str) -> list[Any]:
    """The corpora that match what was typed."""
    from llmlab.hub.catalogue import entries

    return [entry for entry in entries("corpus") if _matches(entry, words)]


def table(found: list[Any]) -> None:
    """The corpora."""
    with st.container(key="library_texts_table"):
        with st.container(key="library_texts_heads"):
            for column, head in zip(st.columns(_WIDTHS), HEADS, strict=False):
                column.caption(say(f"ui_library.{head}"))
        for entry in found:
            _row(entry)


def _matches(entry: Any, words: str) -> bool:
    licences = f"{entry.licence} {fetching.licence(entry)}"
    said = f"{entry.name} {' '.join(entry.title.values())} {licences} {entry.source}".lower()
    return all(word in said for word in words.lower().split())


def _row(entry: Any) -> None:
    from llmlab.hub.fetch import is_local

    name, licence, languages, size, source, doors = st.columns(_WIDTHS, vertical_alignment="center")
    name.markdown(f"**{plain(entry.title[language()])}**", help=plain(entry.note[language()]))
    licence.markdown(plain(fetching.licence(entry)))
    languages.markdown(", ".join(say(f"ui_train.language_{code}") for code in entry.languages))
    size.markdown(_size(entry))
    label = plain(entry.source)
    source.markdown(f"[{label}]({entry.source_url})" if entry.source_url else label)
    with doors.container(horizontal=True, vertical_alignment="center"):
        if not is_local(entry.name):
            fetching.offer(entry.name, key=f"library_fetch_{entry.name}")
        elif st.button(say("ui_library.train_on"), key=f"library_train_{entry.name}", type="tertiary"):
            st.session_state["train_corpus"] = entry.name
            st.session_state.pop("train_run", None)
            st.switch_page(shell.file_of("train"))


def _size(entry: Any) -> str:
    if entry.characters:
        count = entry.characters
        return say("ui_library.characters", n=f"{count / 1e4:,.0f}" if language() == "zh" else f"{count / 1e6:.1f}")
    return fetching.size(entry.size_bytes)
