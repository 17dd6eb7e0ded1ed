import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmlab import hub
from llmlab.hub import corpora
from llmlab.i18n import LearnerError

TEXT = "SPEAKER:\nWell met.\n"


@pytest.fixture
def plays(parcel: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    prepared: list[Path] = []

    def prepare(folder: Path) -> str:
        prepared.append(folder)
        assert (folder / "package/data/one.txt").read_bytes() == b"one"
        return TEXT

    monkeypatch.setitem(corpora._PREPARE, "parcel", prepare)
    parcel.catalogued(replace(parcel.entry, text_sha256=hashlib.sha256(TEXT.encode()).hexdigest()))
    parcel.prepared = prepared
    return parcel


def test_a_corpus_is_fetched_prepared_and_kept(plays: Any) -> None:
    assert hub.corpus_text("parcel") == TEXT
    assert hub.corpus_text("parcel") == TEXT
    assert len(plays.prepared) == 1
    assert (hub.cache() / "parcel.txt").read_bytes() == TEXT.encode()


def test_a_kept_text_that_was_changed_is_prepared_again(plays: Any) -> None:
    hub.corpus_text("parcel")
    (hub.cache() / "parcel.txt").write_text("tampered")
    assert hub.corpus_text("parcel") == TEXT


def test_a_preparation_that_no_longer_gives_the_pinned_text_is_our_bug(plays: Any) -> None:
    plays.catalogued(replace(plays.entry, text_sha256="0" * 64))
    with pytest.raises(RuntimeError, match="parcel"):
        hub.corpus_text("parcel")


def test_tales_need_no_network_and_are_always_the_same() -> None:
    text = hub.corpus_text("tales-en")
    assert len(text) >= 1_000_000
    assert text == hub.corpus_text("tales-en")


def test_a_path_is_the_learners_own_file(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("my own words", encoding="utf-8")
    assert hub.corpus_text(tmp_path / "own.txt") == "my own words"
    assert hub.corpus_text(str(tmp_path / "own.txt")) == "my own words"


def test_an_unknown_corpus_lists_the_known_ones() -> None:
    with pytest.raises(LearnerError, match=r"'beowulf'.*shakespeare, tang, tales-en, tales-zh"):
        hub.corpus_text("beowulf")


def test_a_card_counts(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("春眠\n春眠\nabc\n", encoding="utf-8")
    card = hub.corpus_card(tmp_path / "own.txt", lines=2)
    text = hub.corpus_text(tmp_path / "own.txt")
    assert (card.characters, card.symbols) == (len(text), len(set(text)))
    assert card.size_bytes == len(text.encode())
    assert card.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert card.first_lines == "春眠\n春眠"


def test_every_fetched_corpus_has_its_preparation_and_pin() -> None:
    fetched = [entry for entry in hub.entries("corpus") if entry.sources[0].type not in ("generated", "assets")]
    assert {entry.name for entry in fetched} <= set(corpora._PREPARE)
    assert all(len(entry.text_sha256) == 64 for entry in fetched)
