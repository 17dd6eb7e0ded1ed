"""A home of its own for each test, and a catalogue with one small package that a stand-in client delivers."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from llmlab.hub import catalogue, clients
from llmlab.hub.catalogue import Entry, Source

FILES = {"package/data/one.txt": b"one", "package/data/two.txt": b"two", "package/index.js": b"never kept"}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def tar_bytes(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


class Parcel:
    """A package in the catalogue under the name `parcel`, and a client that counts how often it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, delivered: bytes) -> None:
        self.asked: list[str] = []
        self.delivered = delivered
        self._monkeypatch = monkeypatch
        self.entry = Entry(
            name="parcel",
            kind="corpus",
            title={"en": "Parcel", "zh": "包裹"},
            note={"en": "A test.", "zh": "测试。"},
            licence="MIT",
            size_bytes=len(delivered),
            languages=("zh",),
            source="tests",
            source_url="",
            sources=(self.source("npm"),),
        )
        self.catalogued(self.entry)
        for kind in ("npm", "wheel"):
            monkeypatch.setitem(clients.CLIENTS, kind, self.client)

    def source(self, kind: str, package: str = "parcel") -> Source:
        digest = hashlib.sha256(self.delivered).hexdigest()
        return Source(type=kind, package=package, version="1.0", sha256=digest, files=("package/data/*.txt",))

    def catalogued(self, *entries: Entry) -> None:
        known = {entry.name: entry for entry in [*catalogue.entries(), *entries]}
        self._monkeypatch.setattr(catalogue, "_catalogue", lambda: known)

    def with_sources(self, *sources: Source) -> None:
        self.catalogued(replace(self.entry, sources=sources))

    def client(self, source: Source, into: Path, grown: Callable[[int], None]) -> Path:
        self.asked.append(source.package)
        if source.package.startswith("silent"):
            raise clients.Unreachable("no route to host")
        archive = into / "parcel.tgz"
        archive.write_bytes(self.delivered)
        grown(archive.stat().st_size)
        return archive


@pytest.fixture
def pack() -> Callable[[dict[str, bytes]], bytes]:
    """Makes a .tgz of some files."""
    return tar_bytes


@pytest.fixture
def parcel(monkeypatch: pytest.MonkeyPatch) -> Parcel:
    return Parcel(monkeypatch, tar_bytes(FILES))
