"""Writing files so that a process killed at any moment leaves nothing half done.

Every write and rename of a run goes through here. `operation` is called before each of them, and is where the fault
tests kill the process.
"""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from llmlab.i18n import LearnerError

FULL = (errno.ENOSPC, errno.EDQUOT)

operation: Callable[[str, Path], None] = lambda name, path: None  # noqa: E731


def write_bytes(path: Path, content: bytes, *, synced: bool = True) -> None:
    """Replace a file at once: a reader sees the old one or the new. `synced`: it also survives a power cut."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    operation("write", partial)
    with open(partial, "wb") as file:
        file.write(content)
        if synced:
            file.flush()
            os.fsync(file.fileno())
    operation("replace", path)
    _replace(partial, path)
    if synced:
        _sync_folder(path.parent)


def write_json(path: Path, value: Any, *, synced: bool = True) -> None:
    """`write_bytes` of JSON."""
    write_bytes(path, json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), synced=synced)


def read_json(path: Path) -> Any:
    """The value in a JSON file; None when there is no such file, or it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError, json.JSONDecodeError):
        return None


def append_line(path: Path, value: dict[str, Any]) -> None:
    """Add one JSON line to a file."""
    operation("append", path)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole JSON lines of a file; one that a killed process left unfinished is not there."""
    found = []
    if path.exists():
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    value = json.loads(line)
                except json.JSONDecodeError:
                    continue
                if line.endswith("\n") and isinstance(value, dict):
                    found.append(value)
    return found


def keep_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Drop the lines that are not to be kept, all at once."""
    if path.exists():
        write_lines(path, [line for line in read_lines(path) if keep(line)])


def write_lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    """Replace a file of JSON lines."""
    write_bytes(path, "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode())


def publish_folder(partial: Path, final: Path) -> None:
    """Make a folder that was written under another name appear, whole and on disk."""
    for file in partial.rglob("*"):
        if file.is_file():
            operation("sync", file)
            _sync(file)
    operation("sync", partial)
    _sync_folder(partial)
    operation("rename", final)
    _replace(partial, final)
    _sync_folder(final.parent)


def remove_folder(folder: Path) -> None:
    """Delete a folder; it disappears at once under its name, so that no reader finds half of it."""
    if not folder.exists():
        return
    doomed = folder.with_name(f".{folder.name}.{os.getpid()}.deleted")
    operation("rename", doomed)
    folder.rename(doomed)
    operation("delete", doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Clear away what killed processes left unfinished in a folder."""
    for path in [*folder.glob(".*.partial"), *folder.glob(".*.deleted")]:
        operation("delete", path)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def disk_error(error: Exception, folder: Path) -> LearnerError:
    """What to tell a person when a run's folder cannot be written."""
    if getattr(error, "errno", None) in FULL or "No space left" in str(error):
        return LearnerError("training.disk_full", run=folder.name)
    return LearnerError("training.cannot_write", path=folder, reason=getattr(error, "strerror", None) or str(error))


def _replace(source: Path, target: Path) -> None:
    for attempt in range(50):
        try:
            os.replace(source, target)
        except PermissionError:  # Windows, while a reader has the file open
            if os.name != "nt" or attempt == 49:
                raise
            time.sleep(0.01)
        else:
            return


def _sync(file: Path) -> None:
    with open(file, "rb+") as opened:
        os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
