"""Step one of the Train page: which text, and how it is cleaned."""

import secrets
from pathlib import Path

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import fetching, shell, train_choice
from llmlab.ui.language import language, plain, say

FILE_TYPES = ("txt", "md", "csv", "jsonl")
LARGEST_UPLOAD = 200_000_000
_OPENING = 60_000
"""Characters of a corpus that the page itself works with: enough to show what cleaning and tokenizers do."""


def opening(corpus: str) -> tuple[str, int]:
    """The beginning of a corpus, and how many characters it has. Raises LearnerError for a file that cannot be read."""
    path = Path(corpus)
    return _opening(corpus, path.stat().st_mtime if path.is_file() else 0.0)


@st.cache_data(max_entries=8, show_spinner=False)
def _opening(corpus: str, changed: float) -> tuple[str, int]:
    from llmlab.hub import catalogue
    from llmlab.hub.corpora import corpus_text

    known = {entry.name: entry for entry in catalogue.entries("corpus")}
    if corpus in known and known[corpus].sources[0].type == "generated":
        from llmlab.text.tales import write_tales

        beginning = write_tales("zh" if "zh" in known[corpus].languages else "en", characters=_OPENING)
        return beginning[:_OPENING], known[corpus].characters or _OPENING
    text = corpus_text(corpus)
    return text[:_OPENING], len(text)


def ready() -> str | None:
    """The chosen corpus if it is on this machine, else None."""
    from llmlab.hub.catalogue import entries
    from llmlab.hub.fetch import is_local

    chosen = train_choice.corpus()
    if chosen in {entry.name for entry in entries("corpus")} and not is_local(chosen):
        return None
    return chosen


def cleaned_opening() -> tuple[str, int] | None:
    """The chosen text's beginning after cleaning, and its whole length before; None while there is no text."""
    corpus = ready()
    if corpus is None:
        return None
    beginning, characters = opening(corpus)
    steps = train_choice.cleaning()
    return (_clean(beginning, steps) if steps else beginning), characters


@st.cache_data(max_entries=32, show_spinner=False)
def _clean(text: str, steps: tuple[str, ...]) -> str:
    from llmlab.text.cleaning import clean

    return clean(text, steps)


def summary() -> str:
    """The step in one line."""
    known = cleaned_opening()
    if known is None and train_choice.corpus() is None:
        return say("ui_train.text_own_missing", name=say("ui_train.own_text"))
    if known is None:
        return say("ui_train.text_missing", name=train_choice.corpus_name())
    steps = len(train_choice.cleaning())
    line = say("ui_train.text_summary", name=train_choice.corpus_name(), characters=f"{known[1]:,}")
    return line + (say("ui_train.text_cleaned", steps=steps) if steps else "")


def step() -> None:
    """The controls: cards of the catalogue, the learner's own file, cleaning."""
    from llmlab.hub.catalogue import entries

    known = {entry.name: entry for entry in entries("corpus")}
    names = sorted(known, key=lambda name: language() not in known[name].languages)
    st.session_state.setdefault("train_corpus", f"tales-{language()}")
    chosen = st.pills(
        say("ui_train.text_which"),
        [*names, train_choice.OWN],
        format_func=lambda name: (
            say("ui_train.own_text") if name == train_choice.OWN else known[name].title[language()]
        ),
        key="train_corpus",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    if chosen == train_choice.OWN:
        _upload()
    elif chosen in known:
        _card(known[chosen])
    _cleaning()


def _card(entry: object) -> None:
    from llmlab.hub.fetch import is_local

    st.markdown(plain(entry.note[language()]))  # type: ignore[attr-defined]
    source = plain(entry.source)  # type: ignore[attr-defined]
    if entry.source_url:  # type: ignore[attr-defined]
        source = f"[{source}]({entry.source_url})"  # type: ignore[attr-defined]
    languages = ", ".join(say(f"ui_train.language_{code}") for code in entry.languages)  # type: ignore[attr-defined]
    st.caption(say("ui_train.card", licence=fetching.licence(entry), languages=languages, source=source))  # type: ignore[attr-defined]
    if is_local(entry.name):  # type: ignore[attr-defined]
        beginning, _ = opening(entry.name)  # type: ignore[attr-defined]
        _lines(beginning)
    else:
        fetching.offer(entry.name, key="train_fetch")  # type: ignore[attr-defined]


def _lines(text: str, count: int = 5) -> None:
    shown = "\n".join(line[:200] for line in text.split("\n", count)[:count])
    st.code(shown, language=None, wrap_lines=True)


def _upload() -> None:
    shell.upload_words("train_file", say("ui_train.choose_file"))
    file = st.file_uploader(
        say("ui_train.upload"),
        type=list(FILE_TYPES),
        key="train_file",
        label_visibility="collapsed",
        max_upload_size=200,
    )
    st.caption(say("ui_train.stays_here"), text_alignment="left")
    known = st.session_state.get("train_upload")
    if file is not None and (known is None or known["id"] != file.file_id):
        try:
            keep(file.name, file.getbuffer(), file.file_id)
        except LearnerError as error:
            st.session_state.pop("train_upload", None)
            st.warning(plain(error.say(language())), icon=":material/lightbulb:")
            return
        st.rerun()
    if known is not None:
        beginning, characters = opening(known["path"])
        st.markdown(say("ui_train.upload_kept", name=plain(known["name"]), characters=f"{characters:,}"))
        _lines(beginning)


def keep(name: str, content: bytes | memoryview, file_id: str = "") -> Path:
    """Put an upload aside under a random name outside every served folder, once its text can be read.

    Raises LearnerError for a type or size that is not taken, whatever the browser let
    through, and for an unreadable file.
    """
    from llmlab.hub.home import home
    from llmlab.text.files import text_of

    kind = Path(name).suffix.lower().lstrip(".")
    if kind not in FILE_TYPES:
        raise LearnerError("ui_train.upload_type", name=name, types=", ".join(FILE_TYPES))
    if len(content) > LARGEST_UPLOAD:
        raise LearnerError(
            "ui_train.upload_size", megabytes=len(content) // 1_000_000, most=LARGEST_UPLOAD // 1_000_000
        )
    text_of(bytes(content), name)  # a mistake is told with the name that the learner knows
    folder = home() / "uploads"
    folder.mkdir(exist_ok=True)
    path = folder / f"{secrets.token_hex(8)}.{kind}"
    path.write_bytes(content)
    st.session_state["train_upload"] = {"path": str(path), "name": name, "id": file_id}
    return path


def _cleaning() -> None:
    from llmlab.text.cleaning import STEPS

    st.markdown(f"**{say('ui_train.cleaning')}**")
    with st.container(horizontal=True):
        for name in STEPS:
            st.checkbox(
                say(f"text.step_{name}"),
                key=f"train_clean_{name}",
                help=say(f"text.step_{name}_help"),
                persist_state="session",
            )
    steps = train_choice.cleaning()
    if not steps:
        return
    for name in steps:
        if STEPS[name].warns:
            st.warning(say(f"text.{name}_warning"), icon=":material/warning:")
    corpus = ready()
    if corpus is None:
        return
    beginning, _ = opening(corpus)
    after = _clean(beginning, steps)
    left, right = st.columns(2)
    with left:
        st.caption(say("ui_train.before"))
        _lines(beginning, 6)
    with right:
        st.caption(say("ui_train.after", share=f"{100 * len(after) / max(1, len(beginning)):.0f}"))
        _lines(after, 6)
