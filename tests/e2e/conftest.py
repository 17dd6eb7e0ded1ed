"""A real server and a real Chromium. Any request that leaves the machine, and any console error, fails the test."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("LLMLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120
"""Seconds: nothing here measures speed, and a machine may be slow or busy."""
LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1", ""}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(item.path).is_relative_to(Path(__file__).parent)]
    for item in here:
        item.add_marker(pytest.mark.browser)
        if CHROMIUM is None and os.environ.get("LLMLAB_BROWSER") != "required":
            item.add_marker(pytest.mark.skip(reason="comes back once Chromium is installed (apt install chromium)"))


@dataclass
class App:
    """A running app: its address, its home folder and what it wrote to its log."""

    address: str
    home: Path
    log: Path

    def url(self, page: str = "", **query: str) -> str:
        tail = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.address}/{page}" + (f"?{tail}" if tail else "")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(home: Path, log: Path) -> tuple[subprocess.Popen[bytes], App]:
    """Start `streamlit run app.py` as the README says, on a free port, and wait until it is healthy."""
    port = free_port()
    environment = os.environ | {"LLMLAB_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).status == 200:
                return process, App(address, home, log)
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the app did not start:\n{log.read_text()}")


def end_workers(home: Path) -> None:
    """Trainers outlive the app on purpose; those of a test end with it."""
    for worker in psutil.process_iter(["cmdline", "environ"]):
        with contextlib.suppress(psutil.Error):
            ours = (worker.environ() or {}).get("LLMLAB_HOME") == str(home)
            if ours and "llmlab.training.worker" in worker.cmdline():
                worker.kill()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    process, running = start_app(tmp_path / "home", tmp_path / "server.log")
    yield running
    process.terminate()
    process.wait(timeout=PATIENCE)
    end_workers(running.home)
    written = running.log.read_text(errors="replace")
    assert "Traceback" not in written, written[-4000:]


@dataclass
class Watch:
    """What the browser asked for and complained about while a test ran."""

    left_the_machine: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)

    def follow(self, page) -> None:  # a playwright Page; playwright is imported only where a browser is
        page.on("request", self._request)
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def _message(self, message) -> None:
        # Opened on a page's own address, Streamlit's browser code looks for its server beside the page first.
        probing = re.search(r"/\w+/_stcore/(health|host-config)$", message.location.get("url", ""))
        if message.type == "error" and not probing:
            self.console_errors.append(f"{message.text} ({message.location.get('url')})")

    def _request(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in LOCAL_HOSTS:
            self.left_the_machine.append(request.url)


@pytest.fixture(scope="session")
def chromium():
    assert CHROMIUM is not None, "LLMLAB_BROWSER=required, but there is no Chromium (apt install chromium)"
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * PATIENCE)

    arguments = QUIET + (["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    seen = Watch()
    yield seen
    assert not seen.left_the_machine
    assert not seen.console_errors


@pytest.fixture
def page(chromium, watch: Watch):
    context = chromium.new_context(viewport={"width": 1360, "height": 900}, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    watch.follow(page)
    yield page
    context.close()


def settled(page) -> None:
    """Wait until Streamlit is connected, has finished its run, and shows no skeleton and nothing of an earlier run."""
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    page.wait_for_timeout(300)  # a click is answered by a run that begins a moment later
    page.wait_for_function(
        """() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
                 && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')"""
    )


def same_picture(shot: Path) -> None:
    """Compare a screen with the one of its name in `pictures/` by coarse blocks, so that fonts may differ and a lost
    theme or view may not. LLMLAB_NEW_SHOTS=1 keeps it instead; look at it before.
    """
    kept = Path(__file__).parent / "pictures" / shot.name
    if os.environ.get("LLMLAB_NEW_SHOTS"):
        kept.parent.mkdir(exist_ok=True)
        half = Image.open(shot).convert("RGB").resize((450, 320), Image.Resampling.BOX)
        half.quantize(64).save(kept)
    now, then = (
        np.asarray(Image.open(file).convert("RGB").resize((45, 32), Image.Resampling.BOX), dtype=float)
        for file in (shot, kept)
    )
    assert np.abs(now - then).mean() < 4, shot.name
    assert (np.abs(now - then).max(axis=-1) > 40).mean() < 0.03, shot.name
