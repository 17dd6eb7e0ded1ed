"""A wheel from the package index, continued where an earlier download was stopped, which pip cannot.

The index is the one that pip is configured with; its page of a project is read as PEP 503 (HTML) or PEP 691 (JSON), and
the file is asked for from the first byte that is missing (RFC 9110, section 14). Whether the parts belong together is
not asked here: who takes the file compares its hash with the catalogue's.
"""

import ast
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

from llmlab.hub.catalogue import Source

_DEFAULT = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
"""What pip asks where nothing is configured. A pip that no longer says it so is left to download by itself."""

_PAGES = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_NO_ANSWER = (OSError, http.client.HTTPException, ValueError, LookupError, SyntaxError)


class NoSuchFile(Exception):  # noqa: N818 - an answer, not a mistake
    """The index cannot be read, or does not offer the file: pip may know another way."""


class Broken(Exception):  # noqa: N818 - an answer, not a mistake
    """The connection broke for good; what had arrived is kept."""


def download_wheel(source: Source, part: Path, target: Path, grown: Callable[[int], None]) -> None:
    """Completes `part` and makes it `target`. Its hash is not checked. Raises NoSuchFile or Broken."""
    try:
        index = _Index(_configured_index())
        address = _address(index.files(source.package), source)
    except _NO_ANSWER:
        raise NoSuchFile(source.package) from None  # the cause may name the index with its password
    part.touch()
    with part.open("r+b") as stream:
        before = -1
        while not _complete(index, address, stream, grown):
            if (arrived := part.stat().st_size if part.exists() else 0) <= before:
                raise Broken(f"the connection broke after {arrived} bytes")
            before = arrived
        stream.seek(0)
        with target.open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
    with contextlib.suppress(OSError):  # Windows keeps it while another process reads it
        part.unlink()


def _complete(index: "_Index", address: str, stream: IO[bytes], grown: Callable[[int], None]) -> bool:
    """Whether the rest of the file arrived. A server without ranges sends all of it again."""
    start = stream.seek(0, os.SEEK_END)
    try:
        with index.open(address, {"Range": f"bytes={start}-"} if start else {}) as answer:
            at = stream.seek(start if answer.status == 206 else 0)
            expected = at + int(answer.headers["Content-Length"])
            while piece := answer.read1(1 << 18):
                stream.write(piece)
                at += len(piece)
                grown(at)
    except HTTPError as error:
        return error.code == 416  # nothing is missing
    except (OSError, http.client.HTTPException):
        return False
    finally:
        stream.flush()
    return at == expected


class _Index:
    """One index, asked with the name and password that its address may hold; no other host is told them."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            raise ValueError("not a web address")
        account, _, self._host = parts.netloc.rpartition("@")
        self._scheme = parts.scheme
        self._secret = base64.b64encode(unquote(account).encode()).decode() if account else ""
        self._root = urlunsplit((parts.scheme, self._host, parts.path.rstrip("/") + "/", "", ""))

    def open(self, address: str, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(address, headers=headers)
        if self._secret and urlsplit(address)[:2] == (self._scheme, self._host):
            request.add_unredirected_header("Authorization", f"Basic {self._secret}")
        return urllib.request.urlopen(request, timeout=30)

    def files(self, project: str) -> Iterator[tuple[str, str]]:
        """(address, sha256 or "") of every file of a project."""
        page = urljoin(self._root, re.sub(r"[-_.]+", "-", project).lower() + "/")
        with self.open(page, {"Accept": _PAGES}) as answer:
            content, base = answer.read().decode(), answer.url
            is_json = "json" in answer.headers.get("Content-Type", "")
        if is_json:
            for file in json.loads(content)["files"]:
                yield urljoin(base, file["url"]), file["hashes"].get("sha256", "")
            return
        links = _Links()
        links.feed(content)
        for link in links.found:
            address, fragment = urldefrag(urljoin(base, link))
            yield address, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _address(files: Iterator[tuple[str, str]], source: Source) -> str:
    """The wheel of that name, version and hash; a page that tells no hash is believed for now."""
    stem = re.sub(r"[-_.]+", "_", source.package).lower()
    for address, sha256 in files:
        name = unquote(urlsplit(address).path.rsplit("/", 1)[-1])
        project, _, rest = name.partition("-")
        named = re.sub(r"[-_.]+", "_", project).lower() == stem and rest.startswith(f"{source.version}-")
        if named and name.endswith(".whl") and sha256 in ("", source.sha256):
            return address
    raise LookupError(source.package)


def _configured_index() -> str:
    """Where pip would look: its environment, its files, or its own default."""
    if address := os.environ.get("PIP_INDEX_URL"):
        return address
    # `pip config get` passes over PIP_CONFIG_FILE; `list` does not.
    settings = dict(line.split("=", 1) for line in _python("-m", "pip", "config", "list").splitlines() if "=" in line)
    found = settings.get("download.index-url") or settings.get("global.index-url")
    return str(ast.literal_eval(found)) if found else _python("-c", _DEFAULT).strip()


def _python(*words: str) -> str:
    """What a Python like this one prints."""
    asked = [sys.executable, *words]
    return subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stdout
