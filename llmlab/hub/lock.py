"""A lock that the operating system holds for a process, and frees the moment the process is gone."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

if os.name == "nt":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]

else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Busy(Exception):  # noqa: N818  # nothing went wrong
    """Another process holds the lock."""


class Lock:
    """`with Lock(path): …` holds the lock on a file, which is made and never removed. Raises Busy after `wait` seconds.

    A little waiting is always needed: whoever asks `is_held` has the lock for an instant.
    """

    def __init__(self, path: Path, *, wait: float = 0.5) -> None:
        self._path = path
        self._wait = wait
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._wait
        file = open(self._path, "ab")  # open for as long as the lock is held
        while True:
            try:
                _take(file)
            except OSError as error:
                if time.monotonic() > deadline:
                    file.close()
                    raise Busy(self._path) from error
                time.sleep(0.01)
            else:
                self._file = file
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()
        self._file = None


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on this file."""
    if not path.exists():
        return False
    try:
        with Lock(path, wait=0):
            return False
    except Busy:
        return True
