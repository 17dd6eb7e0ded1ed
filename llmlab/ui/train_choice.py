"""What the learner has chosen on the Train page, kept in the session, and the run that it amounts to."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from llmlab.ui.language import language

DIAL = ("tiny", "default", "small", "medium")
"""The recipes of the dial, smallest first; `default` is a learner's first model."""
USUAL_VOCABULARY = {"word": 512, "bpe": 512, "wordpiece": 2048}
OWN = "own"
"""Stands for the learner's own file among the corpora."""

_STEPS_OF_PAGE = ("corpus", "cleaning", "model", "tokenizer", "vocab_size", "recipe", "init_from")
_SCRATCH = ""


def corpus() -> str | None:
    """The chosen corpus as the trainer reads it: a name, or the path of the upload; None while nothing was uploaded."""
    chosen = st.session_state.get("train_corpus") or f"tales-{language()}"
    if chosen == OWN:
        upload = st.session_state.get("train_upload")
        return upload["path"] if upload else None
    return str(chosen)


def corpus_name() -> str:
    """The chosen corpus as the reader knows it."""
    from llmlab.hub.catalogue import entry

    chosen = st.session_state.get("train_corpus") or f"tales-{language()}"
    if chosen == OWN:
        upload = st.session_state.get("train_upload")
        return str(upload["name"]) if upload else "–"
    return entry(chosen).title[language()]


def cleaning() -> tuple[str, ...]:
    """The cleaning steps that are on, in the order in which they apply."""
    from llmlab.text.cleaning import STEPS

    return tuple(name for name in STEPS if st.session_state.get(f"train_clean_{name}"))


def model() -> str:
    """The architecture: gpt, gpt2 or bert."""
    return str(st.session_state.get("train_model") or base()["model"])


def tokenizer() -> str:
    """char, word or bpe; for a bert wordpiece, which alone has a [MASK]."""
    if model() == "bert":
        return "wordpiece"
    return str(st.session_state.get("train_tokenizer") or base()["tokenizer"])


def vocab_size() -> int | None:
    """The wanted vocabulary; a character tokenizer has what its text has."""
    if tokenizer() == "char":
        return None
    return int(st.session_state.get(vocab_key()) or USUAL_VOCABULARY[tokenizer()])


def vocab_key() -> str:
    """Where the session keeps the wanted vocabulary; a bert has its own, for it guesses whole words if it can."""
    return "train_vocab_wordpiece" if tokenizer() == "wordpiece" else "train_vocab"


def dial() -> str:
    """The recipe on the dial."""
    return str(st.session_state.get("train_dial") or "default")


def init_from() -> str | None:
    """The model to go on from, when fine-tuning."""
    return st.session_state.get("train_from") or None


def openable() -> list[str]:
    """What training can go on from: models of the catalogue that are here, imported ones, runs with a checkpoint."""
    from llmlab.hub.catalogue import entries
    from llmlab.hub.fetch import is_local
    from llmlab.training import runs

    models = [entry.name for entry in entries("model") if is_local(entry.name)]
    trained = [run.name for run in runs.list_runs() if runs.last(run) is not None]
    return models + trained + [folder.name for folder in runs.list_imported()]


def base() -> dict[str, Any]:
    """Every field's value before the learner's own words: the recipe on the dial over the defaults."""
    from llmlab.training import recipes
    from llmlab.training.config import TrainConfig

    plain = TrainConfig(corpus="-").to_json()
    return plain | {"steps": None} | recipes.recipe(dial())


def own_words() -> dict[str, Any]:
    """The details that the learner changed under the dial, by field."""
    return st.session_state.setdefault("train_words", {})


def detail_fields(every: Iterable[str]) -> list[str]:
    """The fields that belong under the dial: all that no step of the page decides."""
    return [name for name in every if name not in _STEPS_OF_PAGE]


def words() -> dict[str, Any]:
    """The run as the words of the command line, without those that say nothing new."""
    given: dict[str, Any] = {"corpus": corpus(), "recipe": dial()}
    if cleaning():
        given["cleaning"] = cleaning()
    if init_from():
        given["init_from"] = init_from()
    else:
        if model() != base()["model"]:
            given["model"] = model()
        if model() != "bert" and tokenizer() != base()["tokenizer"]:
            given["tokenizer"] = tokenizer()
        if vocab_size() is not None:
            given["vocab_size"] = vocab_size()
    return given | own_words()


def words_of(config: Any) -> dict[str, Any]:
    """A TrainConfig in words: its recipe, and all that differs from it."""
    from llmlab.training import recipes
    from llmlab.training.config import LIMITS, TrainConfig

    asked = asdict(config)
    plain = asdict(TrainConfig(corpus=asked["corpus"])) | recipes.recipe(asked["recipe"] or "default")
    always = ("corpus", "recipe", *LIMITS)
    return {n: value for n, value in asked.items() if value is not None and (n in always or value != plain[n])}


def config() -> Any:
    """The TrainConfig. Raises LearnerError for words that contradict each other."""
    from llmlab.i18n import LearnerError
    from llmlab.training import recipes

    if corpus() is None:
        raise LearnerError("ui_train.upload_first")
    return recipes.configure(words())


def command(given: dict[str, Any]) -> str:
    """The same run on the command line."""
    from llmlab.training.config import word

    parts = ["python -m llmlab train"]
    for name, value in given.items():
        if name == "corpus":
            value = _corpus_shown(value)
        if isinstance(value, tuple | list):
            parts.append(" ".join([word(name), *value]))
        elif value is True or value is False:
            parts.append(word(name) if value else word(name).replace("--", "--no-", 1))
        elif value is not None:
            parts.append(f"{word(name)} {_quoted(str(value))}")
    return " ".join([*parts, "--out my-run"])


def _corpus_shown(word: str) -> str:
    """An upload's path is of no use to the reader: their own file's name stands for it."""
    upload = st.session_state.get("train_upload")
    if upload and upload["path"] == word:
        return str(upload["name"])
    return "my-text.txt" if Path(word).parent.name == "uploads" else word


def _quoted(value: str) -> str:
    import shlex

    return shlex.quote(value)


def run_name() -> str | None:
    """A free name after the uploaded file's own; None for a library corpus, whose runs name themselves."""
    if st.session_state.get("train_corpus") != OWN:
        return None
    import re

    from llmlab.training.runs import runs_dir

    stem = re.sub(r"[^\w-]+", "-", Path(corpus_name()).stem).strip("-_")[:40] or "text"
    number = 1
    while (runs_dir() / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def notebook(given: dict[str, Any]) -> str:
    """The same run in Python."""
    shown = given | {"corpus": _corpus_shown(given["corpus"])}
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in shown.items())
    return (
        "from llmlab.training import loop, recipes, runs\n\n"
        f"config = recipes.configure({{\n{lines}}})\n"
        'run = runs.create(config, "my-run")\n'
        "result = loop.train(run, resume=False, report=print)"
    )
