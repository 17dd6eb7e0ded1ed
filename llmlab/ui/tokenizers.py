"""Tokenizers: one text cut by characters, words, byte pairs and word pieces, and how byte pairs grow merge by merge."""

from typing import Any

import streamlit as st

from llmlab.i18n import LearnerError
from llmlab.ui import opened, shell
from llmlab.ui.language import language, say
from llmlab.widgets import labels
from llmlab.widgets.streamlit import replied, show

LEARNED_FROM = 200_000
"""Characters of the corpus from which the tokenizers are learned: enough for these sizes, and done in a moment."""
SIZES = (512, 1024, 2048, 4096)
LONGEST_IN_ADDRESS = 400
KINDS = ("char", "word", "bpe", "wordpiece")

CODE = """\
from llmlab import hub
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets import token_strip

text = hub.corpus_text({corpus!r})[:{characters}]
tokenizers = [
    ("character", train_tokenizer("char", text)),
    ("word", train_tokenizer("word", text, vocab_size={size})),
    ("byte pairs", train_tokenizer("bpe", text, vocab_size={size})),
    ("word pieces", train_tokenizer("wordpiece", text, vocab_size={size})),
]
token_strip.show(tokenizers, tokenizers[2][1].byte_pairs(), {sentence!r})
"""


def page() -> None:
    shell.header("ui_tokenizers.title", "ui_tokenizers.lead", terms="ui_tokenizers.terms")
    corpus, size = _settings()
    with st.spinner(say("ui_tokenizers.learning")):
        _learned(corpus, size)
    live(corpus, size)
    _more()
    sentence = _sentence(_learned(corpus, size))
    shell.code(CODE.format(corpus=corpus, characters=LEARNED_FROM, size=size, sentence=sentence))


@shell.fragment
def live(corpus: str, size: int) -> None:
    from llmlab.widgets.token_strip import Cutter

    learned = _learned(corpus, size)
    rows: list[tuple[str, Any]] = [(say(f"ui_tokenizers.{kind}"), learned[kind]) for kind in KINDS]
    own = _own_tokenizer()
    if own is not None:
        rows.append(own)
    cutter = Cutter(rows, learned["bpe"].byte_pairs())
    key = "token_strip"
    sentence = _sentence(learned)
    kept = st.session_state.get("tokenizers_text") or {"text": st.query_params.get("text") or sentence}
    ask = replied(key, "ask") or kept
    st.session_state["tokenizers_text"] = {"text": ask["text"]}
    _into_address({"text": ask["text"], "corpus": corpus, "size": str(size)}, (sentence, _corpora()[0], "1024"))
    state = {
        "text": ask["text"],
        "labels": labels("token_strip", language()),
        "answer": cutter.answer(ask, language()),
    }
    show("token_strip", key=key, state=state, language=language())


def _sentence(learned: dict[str, Any]) -> str:
    """A sentence to begin with, from the corpus itself where ours has characters that it lacks."""
    sentence = say("ui_tokenizers.sentence")
    return str(learned["beginning"]) if learned["char"].missing(sentence) else sentence


def _settings() -> tuple[str, int]:
    """Corpus and vocabulary size; the controls that set them come after the picture."""
    here, said = _corpora(), st.query_params
    if st.session_state.get("tokenizers_corpus") not in here:
        st.session_state["tokenizers_corpus"] = said["corpus"] if said.get("corpus") in here else here[0]
    if "tokenizers_size" not in st.session_state:
        st.session_state["tokenizers_size"] = int(said["size"]) if said.get("size") in map(str, SIZES) else 1024
    return st.session_state["tokenizers_corpus"], st.session_state["tokenizers_size"]


def _into_address(shown: dict[str, str], usual: tuple[str, ...]) -> None:
    """Name in the address what is not as usual, so that the link sets the same up elsewhere."""
    for (name, value), otherwise in zip(shown.items(), usual, strict=True):
        if value == otherwise or len(value) > LONGEST_IN_ADDRESS:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def _more() -> None:
    from llmlab.hub import catalogue

    titles = {entry.name: entry.title[language()] for entry in catalogue.entries("corpus")}
    with st.expander(say("ui_tokenizers.more"), icon=":material/tune:"):
        st.selectbox(
            say("ui_tokenizers.corpus"),
            _corpora(),
            key="tokenizers_corpus",
            format_func=lambda name: titles.get(name, name),
            help=say("ui_tokenizers.corpus_help"),
        )
        st.select_slider(say("ui_tokenizers.size"), SIZES, key="tokenizers_size", help=say("ui_tokenizers.size_help"))


def _corpora() -> list[str]:
    """Corpora that are here without the network, the reader's language first, fetched texts before the Tales."""
    from llmlab import hub
    from llmlab.hub import catalogue

    here = [entry for entry in catalogue.entries("corpus") if hub.is_local(entry.name)]
    here.sort(key=lambda entry: (language() not in entry.languages, entry.sources[0].type == "generated"))
    return [entry.name for entry in here]


@st.cache_resource(max_entries=6, show_spinner=False)
def _learned(corpus: str, size: int) -> dict[str, Any]:
    from llmlab import hub
    from llmlab.text.tokenizer import train_tokenizer

    text = hub.corpus_text(corpus)[:LEARNED_FROM]
    learned: dict[str, Any] = {
        kind: train_tokenizer(kind, text, vocab_size=None if kind == "char" else size) for kind in KINDS
    }
    return learned | {"beginning": text[:80].rsplit("\n", 1)[0].split("\n\n")[0]}


def _own_tokenizer() -> tuple[str, Any] | None:
    """The tokenizer of the model on show, without opening the model."""
    from llmlab.text.tokenizer import Tokenizer

    try:
        chosen = opened.choice()
        return say("ui_tokenizers.own", title=chosen.title), Tokenizer.load(chosen.folder)
    except LearnerError:  # no model yet: the learned ones are enough
        return None


if __name__ == "__main__":
    page()
