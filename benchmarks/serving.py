"""The app on a port of its own, for benchmarks that visit it, and the browser to visit it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]


@contextmanager
def serving(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app as the README starts it, on a free port, with a home of its own."""
    port = free_port()
    words = ["-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment(home), stdout=out, stderr=out)
    try:
        _until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.terminate()
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """A learner's, with a home of its own."""
    return os.environ | {"LLMLAB_HOME": str(home), "HF_HUB_OFFLINE": "1"}


def _until_healthy(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            if urllib.request.urlopen(url, timeout=2).status == 200:
                return
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def chromium() -> str | None:
    """Where Chromium is."""
    return os.environ.get("LLMLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
