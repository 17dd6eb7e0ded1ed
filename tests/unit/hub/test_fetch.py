import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmlab import hub
from llmlab.hub import clients
from llmlab.hub.catalogue import Source
from llmlab.i18n import LearnerError

Pack = Callable[[dict[str, bytes]], bytes]


def leftovers(home: Path) -> list[str]:
    return [path.name for path in (home / "cache").iterdir() if path.name.startswith(".")]


def test_only_the_listed_files_are_kept(parcel: Any) -> None:
    assert not hub.is_local("parcel")
    folder = hub.fetch("parcel")
    kept = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert kept == [
        "fetched.json",
        os.path.join("package", "data", "one.txt"),
        os.path.join("package", "data", "two.txt"),
    ]
    assert (folder / "package/data/two.txt").read_bytes() == b"two"


def test_a_second_time_needs_no_client(parcel: Any, own_home: Path) -> None:
    first = hub.fetch("parcel")
    assert hub.is_local("parcel")
    assert hub.fetch("parcel") == first
    assert parcel.asked == ["parcel"]
    assert leftovers(own_home) == []


def test_the_first_source_that_answers_wins(parcel: Any) -> None:
    parcel.with_sources(
        parcel.source("wheel", "silent-one"), parcel.source("npm", "second"), parcel.source("npm", "third")
    )
    hub.fetch("parcel")
    assert parcel.asked == ["silent-one", "second"]


def test_a_wrong_hash_is_refused_and_nothing_is_left(pack: Pack, parcel: Any, own_home: Path) -> None:
    parcel.delivered = pack({"package/data/one.txt": b"something else"})
    with pytest.raises(LearnerError) as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.wrong_hash"
    assert not hub.is_local("parcel")
    assert list((own_home / "cache").iterdir()) == []


def test_a_new_version_in_the_catalogue_replaces_the_old_one(pack: Pack, parcel: Any) -> None:
    hub.fetch("parcel")
    parcel.delivered = pack({"package/data/one.txt": b"newer"})
    parcel.with_sources(parcel.source("npm"))
    assert not hub.is_local("parcel")
    folder = hub.fetch("parcel")
    assert (folder / "package/data/one.txt").read_bytes() == b"newer"
    assert not (folder / "package/data/two.txt").exists()


def test_without_a_network_the_offline_way_is_named(parcel: Any) -> None:
    parcel.with_sources(parcel.source("npm", "silent-one"), parcel.source("npm", "silent-two"))
    with pytest.raises(LearnerError, match="tales-zh") as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.unreachable"
    assert "tales-zh" in error.value.say("zh")
    parcel.catalogued(replace(parcel.entry, sources=(parcel.source("npm", "silent"),), languages=("en",)))
    with pytest.raises(LearnerError, match="tales-en"):
        hub.fetch("parcel")


def test_a_missing_client_is_named(parcel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(clients.CLIENTS, "npm", clients.npm)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(LearnerError, match="npm") as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.client_missing"
    parcel.with_sources(parcel.source("npm"), parcel.source("wheel", "silent"))
    with pytest.raises(LearnerError) as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.unreachable"


def test_too_small_a_disk_is_said_beforehand(parcel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(LearnerError) as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.disk_full"
    assert parcel.asked == []


def test_a_disk_that_fills_up_is_a_sentence(parcel: Any, monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(LearnerError, match="No space left") as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.cannot_write"
    assert leftovers(own_home) == []
    assert not hub.is_local("parcel")


def test_what_an_entry_requires_comes_with_it(parcel: Any) -> None:
    needing = replace(parcel.source("npm"), package="book", requires=("parcel",))
    parcel.catalogued(parcel.entry, replace(parcel.entry, name="book", sources=(needing,)))
    hub.fetch("book")
    assert hub.is_local("parcel")
    shutil.rmtree(hub.cache() / "parcel")
    assert not hub.is_local("book")
    silent = replace(parcel.entry, sources=(parcel.source("npm", "silent"),))
    parcel.catalogued(silent, replace(silent, name="book", sources=(needing,)))
    with pytest.raises(LearnerError, match="'book' could not be downloaded"):
        hub.fetch("book")


def test_progress_ends_at_the_size_that_was_announced(parcel: Any) -> None:
    seen: list[tuple[int, int | None]] = []
    hub.fetch("parcel", progress=lambda arrived, expected: seen.append((arrived, expected)))
    assert seen[-1] == (parcel.entry.size_bytes, parcel.entry.size_bytes)
    assert [arrived for arrived, _ in seen] == sorted(arrived for arrived, _ in seen)


def test_leaving_in_the_middle_leaves_nothing(parcel: Any, own_home: Path) -> None:
    def stop(arrived: int, expected: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub.fetch("parcel", progress=stop)
    assert list((own_home / "cache").iterdir()) == []


def test_what_killed_fetches_left_is_swept_once_it_is_old(parcel: Any) -> None:
    old, young = hub.cache() / ".fetching-old", hub.cache() / ".fetching-young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    hub.fetch("parcel")
    assert not old.exists()
    assert young.exists()


def test_embedded_models_are_found_in_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["llmlab.hub.fetch"], "assets", lambda: tmp_path / "assets")
    with pytest.raises(LearnerError) as error:
        hub.fetch("tang-gpt")
    assert error.value.phrase == "hub.not_embedded"
    (tmp_path / "assets" / "tang-gpt").mkdir(parents=True)
    assert hub.fetch("tang-gpt") == tmp_path / "assets" / "tang-gpt"
    assert hub.is_local("tales-en")


def test_who_was_stopped_while_converting_goes_on_without_the_network(
    parcel: Any, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {path.name: path.read_bytes() for path in (hub.fetch("parcel") / "package/data").iterdir()}
    shutil.rmtree(hub.cache() / "parcel")
    with monkeypatch.context() as stopped:
        stopped.setattr(sys.modules["llmlab.hub.fetch"], "unpack", lambda *words: sys.exit("killed"))
        with pytest.raises(SystemExit):
            hub.fetch("parcel")
    assert len(leftovers(own_home)) == 1
    parcel.asked.clear()
    resumed = {path.name: path.read_bytes() for path in (hub.fetch("parcel") / "package/data").iterdir()}
    assert resumed == whole
    assert parcel.asked == []
    assert leftovers(own_home) == []


def test_a_kept_archive_that_was_cut_off_is_fetched_again(parcel: Any, own_home: Path) -> None:
    digest = parcel.entry.sources[0].sha256
    hub.cache().joinpath(f".archive-{digest[:16]}").write_bytes(parcel.delivered[:40])
    hub.fetch("parcel")
    assert parcel.asked == ["parcel"]
    assert leftovers(own_home) == []


def test_a_package_becomes_a_model_folder(pack: Pack, parcel: Any) -> None:
    parcel.delivered = pack({"package/data/config.json": b"{}", "package/data/more/config.json": b"[]"})
    source = replace(parcel.source("npm"), files=("package/data/*",), prepare="folder")
    parcel.with_sources(source)
    folder = hub.fetch("parcel")
    assert (folder / "config.json").read_bytes() == b"{}"
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "fetched.json"]


def test_a_model_of_the_hub_is_kept_under_its_name(
    parcel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "config.json").write_text("{}")
    asked: list[str] = []
    monkeypatch.setattr("llmlab.hub.remote.download_model", lambda hub_id, **words: asked.append(hub_id) or theirs)
    parcel.with_sources(parcel.source("npm", "silent"), Source(type="hub", package="owner/name", prepare="folder"))
    for _ in range(2):
        assert (hub.fetch("parcel") / "config.json").read_text() == "{}"
    assert asked == ["owner/name"]
    assert hub.is_local("parcel")
