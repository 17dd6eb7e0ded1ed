"""From a corpus to what a run trains on: text, cleaned, cut into tokens, and written beside the run once and for all,
so that a resumed run does not need the learner's file.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llmlab.hub.corpora import corpus_text
from llmlab.text.batches import check_length, split
from llmlab.text.cleaning import clean
from llmlab.text.files import check_corpus
from llmlab.text.sentences import split_sentences
from llmlab.text.tales import entropy_per_character
from llmlab.text.tokenizer import Tokenizer, train_tokenizer
from llmlab.training import durable, runs
from llmlab.training.config import TrainConfig

PIECE = 100_000
TALES = {"tales-en": "en", "tales-zh": "zh"}

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The data of a run. `ids` (tokens,) lies on disk and is read as it is needed."""

    tokenizer: Tokenizer
    ids: np.ndarray
    train_ids: np.ndarray
    val_ids: np.ndarray
    sentence_starts: np.ndarray
    """Where each sentence begins in `ids`; empty where the family does not ask."""
    about: dict[str, Any]
    """`characters`, `tokens`, `val_characters`, and `floor`: the least loss there can be, where it is known."""


def prepare(run: Path, config: TrainConfig, saying: Say) -> Prepared:
    """The run's data, made on the first call and read from the run's folder on later ones.

    `saying` is called with the key of a phrase before each part that may take long.
    Raises LearnerError for texts that cannot be trained on.
    """
    if not (run / "data" / "about.json").exists():
        _make(run, config, saying)
    ids = np.load(run / "data" / "tokens.npy", mmap_mode="r", allow_pickle=False)
    train_ids, val_ids = split(ids, config.val_fraction)
    sentences = run / "data" / "sentences.npy"
    return Prepared(
        tokenizer=Tokenizer.load(run / "tokenizer"),
        ids=ids,
        train_ids=train_ids,
        val_ids=val_ids,
        sentence_starts=np.load(sentences, allow_pickle=False) if sentences.exists() else np.zeros(0, dtype=np.int64),
        about=durable.read_json(run / "data" / "about.json"),
    )


def _make(run: Path, config: TrainConfig, saying: Say) -> None:
    saying("training.doing_read")
    text = clean(corpus_text(config.corpus), config.cleaning)
    check_corpus(text)
    saying("training.doing_tokenize")
    tokenizer = _tokenizer(config, text)
    saying("training.doing_encode")
    starts = None
    if config.model == "bert":
        ids, starts = _by_sentence(tokenizer, text)
    else:
        ids = tokenizer.encode_array(text)
    check_length(ids, config.context, config.val_fraction)
    _, val_ids = split(ids, config.val_fraction)
    val_characters = _length(tokenizer, val_ids)
    about: dict[str, Any] = {
        "characters": len(text),
        "tokens": len(ids),
        "val_characters": val_characters,
        "floor": None,
        "context": config.context,
    }
    if config.corpus in TALES and not config.cleaning:
        about["floor"] = entropy_per_character(TALES[config.corpus]) * val_characters / len(val_ids)
    _publish(run / "tokenizer", tokenizer.save)
    _publish(run / "data", lambda folder: _write_data(folder, ids, starts, about))


def _tokenizer(config: TrainConfig, text: str) -> Tokenizer:
    if config.init_from is not None:
        tokenizer = Tokenizer.load(runs.resolve(config.init_from))
        tokenizer.require(text)
        return tokenizer
    # Pieces are learnt from the training part alone; every character needs an id, wherever it stands.
    learnt_from = text if config.tokenizer == "char" else text[: max(1, int(len(text) * (1 - config.val_fraction)))]
    return train_tokenizer(config.tokenizer, learnt_from, vocab_size=config.vocab_size)


def _length(tokenizer: Tokenizer, ids: np.ndarray) -> int:
    """Characters that the ids stand for; a long text is decoded in pieces."""
    if tokenizer.kind == "char":
        return len(ids)
    return sum(len(tokenizer.decode(ids[start : start + PIECE])) for start in range(0, len(ids), PIECE))


def _by_sentence(tokenizer: Tokenizer, text: str) -> tuple[np.ndarray, np.ndarray]:
    """The ids of a text, and where in them each sentence begins."""
    parts = tokenizer.encode_parts(split_sentences(text))
    lengths = np.array([len(part) for part in parts])
    return np.concatenate(parts), np.cumsum(lengths) - lengths


def _write_data(folder: Path, ids: np.ndarray, starts: np.ndarray | None, about: dict[str, Any]) -> None:
    np.save(folder / "tokens.npy", ids, allow_pickle=False)
    if starts is not None:
        np.save(folder / "sentences.npy", starts, allow_pickle=False)
    durable.write_json(folder / "about.json", about, synced=False)


def _publish(final: Path, write: Callable[[Path], None]) -> None:
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    durable.operation("write", partial)
    write(partial)
    durable.remove_folder(final)
    durable.publish_folder(partial, final)
