"""Fetching what the catalogue names: the first source that answers, checked against its hash, put in place at once.

Work happens in a temporary folder beside the target and ends with one rename, so a folder in the cache is complete
or absent, whenever the machine stops. An archive that arrived whole is kept until then: who was stopped while it was
unpacked or converted goes on from it, without the network. Whoever wants the same thing meanwhile waits for it.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from llmlab.hub import clients
from llmlab.hub.catalogue import Entry, Source, entry
from llmlab.hub.home import assets, cache, locks
from llmlab.hub.lock import Busy, Lock
from llmlab.hub.unpack import unpack
from llmlab.i18n import LearnerError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and the bytes expected (None: unknown)."""

_RECEIPT = "fetched.json"
_TEMPORARY = ".fetching-"
_ARCHIVE = ".archive-"
_UNPACKED_PER_DOWNLOADED = 5


def is_local(name: str) -> bool:
    """Whether `fetch(name)` would return without the network. Raises LearnerError for an unknown name."""
    found = entry(name)
    return _local(found) is not None


def fetch(name: str, *, progress: Progress | None = None) -> Path:
    """The folder of an entry, downloaded when it is not on this machine yet; what it requires comes with it.

    Raises LearnerError for an unknown name, no network, a missing client, a wrong hash, or a full disk.
    """
    found = entry(name)
    local = _local(found)
    if local is not None:
        return local
    with _alone(found, progress):
        return _local(found) or _bring(found, progress)  # somebody else may have brought it just now


@contextlib.contextmanager
def _alone(found: Entry, progress: Progress | None) -> Iterator[None]:
    """One fetch of an entry at a time, in whichever process: two would take each other's archive away.

    Whoever waits is told how far the other one is. When that one ends early, its part of the work is gone on with.
    """
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(Lock(locks() / found.name, wait=0.2))
                break
            except Busy:
                if progress:
                    progress(_brought(found), found.size_bytes or None)
        yield


def _brought(found: Entry) -> int:
    """Bytes of an archive that have arrived so far, where that can be seen."""
    sizes = [0]
    for archive in (_kept(source) for source in found.sources if source.sha256):
        for path in (archive, archive.with_name(f"{archive.name}.part")):
            with contextlib.suppress(OSError):
                sizes.append(path.stat().st_size)
    return min(max(sizes), found.size_bytes) if found.size_bytes else max(sizes)


def _bring(found: Entry, progress: Progress | None) -> Path:
    name = found.name
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


def _fetch_part(name: str) -> Path:
    """What a source requires. Without a network that source does not answer, and what was asked for is named."""
    try:
        return fetch(name)
    except LearnerError as error:
        if error.phrase != "hub.unreachable":
            raise
        raise clients.Unreachable(str(error)) from error


def _local(found: Entry) -> Path | None:
    for source in found.sources:
        if source.type == "assets" and (folder := assets() / found.name).is_dir():
            return folder
        if source.type == "generated":
            return cache()
        folder = cache() / found.name
        if source.type not in clients.CLIENTS or _receipt(folder) != _provenance(source):
            continue
        if source.prepare or all(is_local(other) for other in source.requires):  # what was prepared needs them no more
            return folder
    return None


def _download(found: Entry, source: Source, progress: Progress | None) -> Path:
    expected = found.size_bytes or None

    def grown(arrived: int) -> None:
        if progress:
            progress(min(arrived, expected) if expected else arrived, expected)

    work = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=cache()))
    try:
        parts = [_fetch_part(other) for other in source.requires]
        unpacked, content = work / "unpacked", work / "content"
        archive = _archive(found, source, work, grown)
        if archive.is_dir():  # the hub's cache
            unpacked = archive
        else:
            unpack(archive, unpacked, source.files)
            grown(expected or archive.stat().st_size)
        if source.prepare:
            from llmlab.hub.model_folder import prepare

            prepare(source, unpacked, parts, content)
        else:
            unpacked.rename(content)
        (content / _RECEIPT).write_text(json.dumps(_provenance(source)), encoding="utf-8")
        target = cache() / found.name
        if target.exists():  # of an older version
            shutil.rmtree(target)
        content.rename(target)
        _kept(source).unlink(missing_ok=True)
    except LearnerError:
        _kept(source).unlink(missing_ok=True)
        raise
    except OSError as error:
        _kept(source).unlink(missing_ok=True)
        raise LearnerError("hub.cannot_write", folder=cache(), detail=error.strerror or str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return cache() / found.name


def _archive(found: Entry, source: Source, work: Path, grown: clients.Grown) -> Path:
    """The archive with the right hash: the one that an earlier fetch had brought, else a new one."""
    kept = _kept(source)
    if source.sha256 and kept.is_file() and _sha256(kept) == source.sha256:
        return kept
    archive = clients.CLIENTS[source.type](source, work, grown)
    if source.type == "hub":
        return archive
    if _sha256(archive) != source.sha256:
        raise LearnerError("hub.wrong_hash", name=found.name, package=source.package or source.url)
    archive.replace(kept)
    return kept


def _kept(source: Source) -> Path:
    return cache() / f"{_ARCHIVE}{source.sha256[:16]}"


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
    for left in [*cache().glob(f"{_TEMPORARY}*"), *cache().glob(f"{_ARCHIVE}*")]:
        with contextlib.suppress(OSError):  # another fetch may have swept it just now
            if time.time() - left.stat().st_mtime > 24 * 3600:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _offline(found: Entry) -> str:
    """What serves in place of `found` without a network."""
    if found.kind == "model":
        return "tang-gpt" if "zh" in found.languages else "shakespeare-gpt"
    return "tales-zh" if "zh" in found.languages else "tales-en"
