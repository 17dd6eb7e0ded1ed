"""Unpacking archives that others made: only wanted files, only inside the target folder, never links or devices."""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from llmlab.i18n import LearnerError

_DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(RuntimeError, ValueError),  # zipfile: encrypted, unknown compression, impossible header
    *(FileExistsError, IsADirectoryError, NotADirectoryError),  # one name as a file and as a folder
)

Opener = Callable[[], IO[bytes]]


def unpack(
    archive: Path, into: Path, patterns: Sequence[str], *, limit_bytes: int | None = None, called: str | None = None
) -> list[Path]:
    """Writes the members that match any pattern under `into` (made when missing); returns them in archive order.

    `called` is the archive's name in what is said of it, where its file has another.

    Raises LearnerError for a file that is neither zip nor tar, a broken archive, a member whose path leaves the
    folder, or more than `limit_bytes` of content.
    """
    written: list[Path] = []
    room, called = limit_bytes, called or archive.name
    try:
        with _members(archive, called) as members:
            for name, size, opener in members:
                if not any(fnmatchcase(name, pattern) for pattern in patterns):
                    continue
                target = into / safe_path(name)
                if room is not None:
                    room -= size
                    if room < 0:
                        raise LearnerError("hub.archive_too_big", archive=called, megabytes=_mb(limit_bytes))
                target.parent.mkdir(parents=True, exist_ok=True)
                with opener() as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                written.append(target)
    except LearnerError:
        raise
    except _DAMAGED as error:
        raise LearnerError("hub.archive_broken", archive=called) from error
    return written


def safe_path(name: str) -> PurePosixPath:
    """A member's name as a relative path. Raises LearnerError when it could lead out of its folder."""
    path = PurePosixPath(name)
    windows = PureWindowsPath(name)
    if path.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name:
        raise LearnerError("hub.archive_unsafe", member=name)
    return path


@contextmanager
def _members(archive: Path, called: str) -> Iterator[Iterator[tuple[str, int, Opener]]]:
    """Regular files of a zip or tar, as (name, size, opener)."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield ((i.filename, i.file_size, _zip_opener(zipped, i)) for i in zipped.infolist() if not i.is_dir())
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tarred:
            yield ((i.name, i.size, _tar_opener(tarred, i)) for i in tarred if i.isreg())
    else:
        raise LearnerError("hub.archive_unknown", archive=called)


def _zip_opener(zipped: zipfile.ZipFile, member: zipfile.ZipInfo) -> Opener:
    return lambda: zipped.open(member)


def _tar_opener(tarred: tarfile.TarFile, member: tarfile.TarInfo) -> Opener:
    def opened() -> IO[bytes]:
        stream = tarred.extractfile(member)
        assert stream is not None, "isreg() was checked"
        return stream

    return opened


def _mb(size: int | None) -> int:
    return round((size or 0) / 1e6)
