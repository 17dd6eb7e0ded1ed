"""Fifty readers at once on the running app while a model trains: errors, page times, memory, and what training loses.

Most readers speak Streamlit's own protocol over a plain websocket; four are real browsers. Each acts once in twenty
seconds: opens another page, or lets the model write.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.report import Report
from benchmarks.serving import ROOT, chromium, environment, serving
from llmlab.ui import shell

PAGES = tuple(entry.name for entry in shell.PAGES if (ROOT / shell.file_of(entry.name)).is_file())
GENERATE = "generate"
WRITE_SHARE = 0.3
PAUSE = 20.0
"""Seconds between two actions of one reader."""
LONGEST = 60.0
"""Seconds after which an answer counts as an error."""
TOKENS = 60
ALONE_SECONDS = 30.0
PAGE_AIM, MEMORY_AIM, SLOWDOWN_AIM = 2.0, 10.0, 0.25


@dataclass
class Seen:
    """What all readers met."""

    errors: list[str] = field(default_factory=list)
    page_seconds: list[float] = field(default_factory=list)
    by_page: dict[str, list[float]] = field(default_factory=dict)
    writing_seconds: list[float] = field(default_factory=list)
    """Of each short answer while a text grows."""
    texts: int = 0
    browser_seconds: list[float] = field(default_factory=list)


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks sessions")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--browsers", type=int, default=4)
    options = parser.parse_args(words)
    report = Report("sessions")
    run(report, options.sessions, options.browsers, options.minutes * 60)
    report.end()


def run(report: Report, sessions: int, browsers: int, seconds: float) -> None:
    """Training alone, then the same training with the readers, then the figures."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as (address, server), training(Path(home)) as run_:
        _say("training alone")
        alone = pace(run_, ALONE_SECONDS)
        warm = asyncio.run(read(address, 1, 0, 3 * len(PAGES), seen, pause=1.0))  # each page's libraries, once
        before = memory(server)
        _say(f"{sessions} readers, {warm} answers when warming up")
        seen = Seen()
        began = time.time()
        actions = asyncio.run(read(address, sessions, min(browsers, sessions), seconds, seen))
        busy = pace_since(run_, began, time.time())
        after = memory(server)
    report.value("errors", [float(len(seen.errors))], unit="", at_most=0, note="; ".join(seen.errors[:3]))
    report.value("actions", [float(actions)], unit="")
    pages = sorted(seen.page_seconds)
    report.value("page, median", [statistics.median(pages)], unit="s")
    report.value("page, 95 %", [quantile(pages, 0.95)], unit="s", at_most=PAGE_AIM)
    for name, found in sorted(seen.by_page.items()):
        report.value(f"page {name}, 95 %", [quantile(sorted(found), 0.95)], unit="s", note=f"{len(found)} times")
    if seen.writing_seconds:
        report.value(
            "piece of text, 95 %", [quantile(sorted(seen.writing_seconds), 0.95)], unit="s", note=f"{seen.texts} texts"
        )
    if seen.browser_seconds:
        report.value("browser, page until settled, 95 %", [quantile(sorted(seen.browser_seconds), 0.95)], unit="s")
    report.value("server grows by", [(after - before) / 1e6 / sessions], unit="MB a session", at_most=MEMORY_AIM)
    report.value("training alone", [alone], unit="tokens/s")
    report.value("training with the readers", [busy], unit="tokens/s")
    report.value("training slowed by", [alone / busy - 1], unit="", at_most=SLOWDOWN_AIM)
    report.details |= {"errors": seen.errors, "memory": {"before": before, "after": after}, "pages": seen.by_page}


@contextmanager
def training(home: Path) -> Iterator[Path]:
    """One run of the default size in the background, started as the app starts it."""
    out = home / "runs" / "beside"
    code = (
        "import sys; from llmlab.training import runs; from llmlab.training.config import TrainConfig;"
        "runs.create(TrainConfig(corpus='tales-en', steps=10**6), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(out)], check=True, cwd=ROOT, env=environment(home))
    worker = subprocess.Popen(
        [sys.executable, "-m", "llmlab.training.worker", str(out)],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_points(out)
        yield out
    finally:
        worker.terminate()
        worker.wait(timeout=60)


def _wait_for_points(run_: Path, count: int = 20) -> None:
    until = time.monotonic() + 120
    while len(_points(run_)) < count:
        if time.monotonic() > until:
            raise RuntimeError("the training did not begin")
        time.sleep(0.5)


def pace(run_: Path, seconds: float) -> float:
    """Tokens learnt from in a second, over the next `seconds`."""
    began = time.time()
    time.sleep(seconds)
    return pace_since(run_, began, time.time())


def pace_since(run_: Path, began: float, ended: float) -> float:
    """Tokens a second between two times, by the steps that the run's status named then."""
    created = json.loads((run_ / "status.json").read_text())["seconds"]
    now = time.time()
    points = [(now - created + line["seconds"], line["tokens"]) for line in _points(run_)]
    inside = [point for point in points if began <= point[0] <= ended]
    (first, a), (last, b) = inside[0], inside[-1]
    return (b - a) / (last - first)


def _points(run_: Path) -> list[dict[str, Any]]:
    file = run_ / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def memory(server: psutil.Process) -> int:
    """Bytes that the server holds."""
    return int(server.memory_info().rss)


def quantile(ordered: list[float], share: float) -> float:
    """The value below which that share of the ordered values lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def read(address: str, sessions: int, browsers: int, seconds: float, seen: Seen, *, pause: float = PAUSE) -> int:
    """All readers at once, begun one after another within one pause. How often they acted."""
    until = time.monotonic() + seconds
    readers = [
        (browse if number < browsers else follow)(address, number, pause * number / sessions, until, pause, seen)
        for number in range(sessions)
    ]
    return sum(await asyncio.gather(*readers))


def connected(address: str) -> websockets.connect:
    """A websocket to the app, as a browser opens it."""
    protocols = [websockets.Subprotocol("streamlit")]
    return websockets.connect(f"ws://{address}/_stcore/stream", subprotocols=protocols, max_size=None)


async def follow(address: str, number: int, wait: float, until: float, pause: float, seen: Seen) -> int:
    """One reader without a browser."""
    draw = random.Random(number)
    await asyncio.sleep(wait)
    acted = 0
    try:
        async with connected(address) as line:
            reader = Reader(line)
            page = PAGES[number % len(PAGES)]
            while time.monotonic() < until:
                began = time.monotonic()
                if acted and page == GENERATE and draw.random() < WRITE_SHARE * 2:
                    await write(reader, seen)
                else:
                    if acted:
                        page = GENERATE if draw.random() < WRITE_SHARE else draw.choice(PAGES)
                    took = await reader.open(page)
                    seen.page_seconds.append(took)
                    seen.by_page.setdefault(page, []).append(took)
                acted += 1
                seen.errors += reader.problems()
                await reader.rest(began + pause - time.monotonic())
    except Exception as error:
        seen.errors.append(f"reader {number}: {type(error).__name__} {error}")
    return acted


async def write(reader: "Reader", seen: Seen) -> None:
    """Let the model write a text, as the widget does: ask, then pull until it is done."""
    action, done = "write", False
    while not done:
        began = time.monotonic()
        done = await reader.ask(action)
        seen.writing_seconds.append(time.monotonic() - began)
        action = "more"
    seen.texts += 1


class Reader:
    """One session as the browser's code holds it: the widgets it was shown, and the fragment they stand in."""

    def __init__(self, line: Any) -> None:
        self.line = line
        self.pages: dict[str, str] = {}
        self.page = ""
        self.writer: tuple[str, str] | None = None  # ids of the widget and its fragment
        self.answer: dict[str, Any] = {}
        self.nonce = random.randrange(10**6)
        self._problems: list[str] = []

    def problems(self) -> list[str]:
        """What went wrong since the last call."""
        found, self._problems = self._problems, []
        return found

    async def open(self, page: str) -> float:
        """Open a page by its name; seconds until its script has ended."""
        began = time.monotonic()
        self.writer = None
        message = BackMsg()
        if page in self.pages:
            message.rerun_script.page_script_hash = self.pages[page]
        else:
            message.rerun_script.page_name = "" if page == PAGES[0] else page
        await self._send(message)
        return time.monotonic() - began

    async def ask(self, action: str) -> bool:
        """One reply of the writing widget; whether its text is done."""
        if self.writer is None:
            self._problems.append("the page has no writing widget")
            return True
        widget, fragment = self.writer
        self.nonce += 1
        settings = {"prompt": "The ", "tokens": TOKENS, "temperature": 0.8, "seed": self.nonce % 100}
        ask = {"action": action, "settings": settings, "have": 0, "version": None, "nonce": self.nonce}
        message = BackMsg()
        message.rerun_script.page_script_hash = self.page
        message.rerun_script.fragment_id = fragment
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.json_value = widget, json.dumps({"ask": ask})
        await self._send(message)
        if self.answer.get("nonce") != self.nonce:
            self._problems.append(f"an answer to another question: {str(self.answer)[:80]}")
            return True
        if self.answer.get("error"):
            self._problems.append(str(self.answer["error"]))
        return not self.answer.get("writing")

    async def _send(self, message: BackMsg) -> None:
        await self.line.send(message.SerializeToString())
        while not self._take(await asyncio.wait_for(self.line.recv(), LONGEST)):
            pass

    async def rest(self, seconds: float) -> None:
        """Wait, and take what the server sends by itself meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._take(await asyncio.wait_for(self.line.recv(), left))
            except TimeoutError:
                return

    def _take(self, received: bytes) -> bool:
        """Note what one message says; whether the script has ended."""
        message = ForwardMsg.FromString(received)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.page = message.new_session.page_script_hash
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.page = message.navigation.page_script_hash
            for page in message.navigation.app_pages:
                if page.is_default:
                    self.pages[PAGES[0]] = page.page_script_hash
        elif kind == "page_not_found":
            self._problems.append("page not found")
        elif kind == "delta":
            self._take_element(message.delta)
        return kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _take_element(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self._problems.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "bidi_component" and "generated_text" in element.bidi_component.component_name:
            shown = element.bidi_component
            self.writer = (shown.id, delta.fragment_id)
            self.answer = json.loads(shown.json or shown.mixed.json)["state"]["answer"]


async def browse(address: str, number: int, wait: float, until: float, pause: float, seen: Seen) -> int:
    """One reader with a browser of its own."""
    from playwright.async_api import async_playwright

    draw = random.Random(number)
    await asyncio.sleep(wait)
    acted = 0
    async with async_playwright() as play:
        words = ["--disable-gpu", "--disable-background-networking", "--no-first-run"]
        words += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = await play.chromium.launch(executable_path=chromium(), args=words)
        try:
            page = await browser.new_page()
            page.on("pageerror", lambda error: seen.errors.append(f"browser {number}: {error}"))
            while time.monotonic() < until:
                began = time.monotonic()
                name = draw.choice(PAGES)
                if not acted:
                    await page.goto(f"http://{address}/{'' if name == PAGES[0] else name}")
                else:
                    address_ = "/" if name == PAGES[0] else f"/{name}"
                    await page.locator(f"[data-testid=stSidebarNavLink][href$='{address_}']").first.click()
                await _settled(page)
                seen.browser_seconds.append(time.monotonic() - began)
                if await page.locator("[data-testid=stException]").count():
                    seen.errors.append(f"browser {number}: an exception on {name}")
                acted += 1
                await asyncio.sleep(max(0.0, min(pause - (time.monotonic() - began), until - time.monotonic())))
        except Exception as error:
            seen.errors.append(f"browser {number}: {type(error).__name__} {' '.join(str(error).split())[:200]}")
        finally:
            await browser.close()
    return acted


async def _settled(page: Any) -> None:
    await page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]", timeout=LONGEST * 1000)
    await page.wait_for_timeout(200)  # a click is answered by a run that begins a moment later
    await page.wait_for_function(
        """() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
                 && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')""",
        timeout=LONGEST * 1000,
    )


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
