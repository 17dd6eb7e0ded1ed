"""A corpus by name or path as one text: fetched when missing, freed of its markup, the same for every learner."""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llmlab.hub import catalogue
from llmlab.hub.catalogue import Entry
from llmlab.hub.fetch import Progress, fetch
from llmlab.hub.home import cache
from llmlab.hub.plays import plays_text
from llmlab.hub.poems import poems_text
from llmlab.i18n import LearnerError
from llmlab.text.files import read_text
from llmlab.text.tales import write_tales


@dataclass(frozen=True, kw_only=True)
class CorpusCard:
    """What a corpus is, in figures."""

    name: str
    characters: int
    symbols: int
    """Distinct characters: the vocabulary of a character tokenizer."""
    size_bytes: int
    """In UTF-8."""
    sha256: str
    first_lines: str


def corpus_text(name_or_path: str | Path, *, progress: Progress | None = None) -> str:
    """The text of a catalogue's corpus, or of a file (txt, md, csv, jsonl). A corpus not here yet is fetched.

    Raises LearnerError for an unknown name, no network, or a file that `read_text` refuses.
    """
    name = str(name_or_path)
    known = {corpus.name: corpus for corpus in catalogue.entries("corpus")}
    if name in known:
        return _prepared(known[name], progress)
    if Path(name).exists():
        return read_text(Path(name))
    raise LearnerError("hub.unknown_corpus", name=name, known=", ".join(known))


def corpus_card(name_or_path: str | Path, *, lines: int = 12) -> CorpusCard:
    """The figures of a corpus and its first `lines` lines. Raises as `corpus_text` does."""
    text = corpus_text(name_or_path)
    encoded = text.encode()
    return CorpusCard(
        name=str(name_or_path),
        characters=len(text),
        symbols=len(set(text)),
        size_bytes=len(encoded),
        sha256=hashlib.sha256(encoded).hexdigest(),
        first_lines="\n".join(text.split("\n", lines)[:lines]),
    )


_PREPARE: dict[str, Callable[[Path], str]] = {
    "shakespeare": plays_text,
    "tang": lambda folder: poems_text(folder, fetch("opencc-tables")),
}


def _prepared(corpus: Entry, progress: Progress | None) -> str:
    if corpus.sources[0].type == "generated":
        assert corpus.characters is not None
        return write_tales("zh" if "zh" in corpus.languages else "en", characters=corpus.characters)
    kept = cache() / f"{corpus.name}.txt"
    text = _pinned(kept, corpus.text_sha256)
    if text is None:
        text = _PREPARE[corpus.name](fetch(corpus.name, progress=progress))
        found = hashlib.sha256(text.encode()).hexdigest()
        if corpus.text_sha256 and found != corpus.text_sha256:
            raise RuntimeError(f"{corpus.name}: the preparation gives {found}, the catalogue says otherwise")
        part = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(kept)
    return text


def _pinned(path: Path, sha256: str) -> str | None:
    """The file's text if it is exactly the pinned one."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content.decode() if hashlib.sha256(content).hexdigest() == sha256 else None
