"""Processes of our own in the background, on every system: what they inherit, and how they make room for others."""

import os
import subprocess
from pathlib import Path
from typing import Any

import psutil

import llmlab


def environment() -> dict[str, str]:
    """The environment of a child process that must find this same package, installed or not."""
    checkout = str(Path(llmlab.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([checkout, inherited] if inherited else [checkout])
    return os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def detached() -> dict[str, Any]:
    """Arguments of Popen for a child that outlives its parent, and that the parent's Ctrl-C does not reach."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}  # type: ignore[attr-defined, unused-ignore]
    return {"start_new_session": True}


def lower_priority(niceness: int) -> None:
    """Let other programs go first: a page must answer while a model trains."""
    process = psutil.Process()
    if os.name == "nt":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(min(19, max(niceness, process.nice())))


def began(pid: int) -> float | None:
    """When the process with this number began, in seconds since the epoch; None when there is no living one."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None
