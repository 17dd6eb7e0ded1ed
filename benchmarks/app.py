"""What a learner waits for in the app: a first page, an answer to a key, a curve, a first model."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import sessions
from benchmarks.report import Report, seconds
from benchmarks.serving import ROOT, chromium, environment, free_port, serving
from llmlab.training import durable

LONG = 120_000
VISITS = 5
"""Of each page, counted."""
ONE_LINE = "import streamlit as st\nst.text('ready')\n"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks app")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pages-only", action="store_true", help="only how long the server takes for each page")
    options = parser.parse_args(words)
    report = Report("pages" if options.pages_only else "app")
    pages(report)
    if not options.pages_only:
        journey(report, options.repeats)
    report.end()


def pages(report: Report) -> None:
    """Seconds from asking for a page to the end of its script, each page visited before; then while a run trains."""
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as (address, _):
        for name, taken in asyncio.run(tour(address)).items():
            report.value(f"page {name}, server", taken, unit="s", at_most=0.3)
        with sessions.training(Path(home)):
            for name, taken in asyncio.run(tour(address)).items():
                report.value(f"page {name}, server, while a run trains", taken, unit="s", at_most=0.4)


async def tour(address: str) -> dict[str, list[float]]:
    """One reader's visits to every page, the first of each not counted."""
    found: dict[str, list[float]] = {}
    async with sessions.connected(address) as line:
        reader = sessions.Reader(line)
        for round_ in range(VISITS + 1):
            for name in sessions.PAGES:
                taken = await reader.open(name)
                if round_:
                    found.setdefault(name, []).append(taken)
                await reader.rest(0.3)
        if problems := reader.problems():
            raise SystemExit("; ".join(problems))
    return found


def journey(report: Report, repeats: int) -> None:
    """What a browser sees, each round from a cold start."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for round_ in range(repeats):
            home = Path(scratch) / str(round_)
            one_line = home / "one_line.py"
            home.mkdir()
            one_line.write_text(ONE_LINE, encoding="utf-8")
            for name, value in measure(browser, home, one_line).items():
                found.setdefault(name, []).append(value)
                print(f"  {name} {round_ + 1}/{repeats}: {value:.3g} s", file=sys.stderr, flush=True)
    torch = min(found["import torch"])
    beyond = [first - torch for first in found["first prediction drawn"]]
    report.value("loading torch", found["import torch"], unit="s")
    report.value("start to the first prediction drawn", found["first prediction drawn"], unit="s")
    report.compare("… beyond loading torch, beside one line", beyond, found["one line drawn"], unit="s", reach=1 / 1.5)
    report.value("the next visitor's first prediction", found["next visitor"], unit="s")
    report.value("a key to the new bars", found["typing"], unit="s", at_most=0.2)
    report.value("click to the first point of the curve", found["first point"], unit="s", at_most=3)
    report.value("click to readable text, the default model", found["first model"], unit="s", at_most=60)
    report.details["what that model wrote"] = WROTE


WROTE: list[str] = []


def measure(browser: Any, home: Path, one_line: Path) -> dict[str, float]:
    """One round, each from a cold start."""
    found = {"import torch": seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True))}
    with page_of(browser, one_line, home) as (page, began):
        page.get_by_text("ready").wait_for(timeout=LONG)
        found["one line drawn"] = time.perf_counter() - began
    with page_of(browser, ROOT / "app.py", home) as (page, began):
        bars = page.locator(".bars button, .bars [role=button]").first
        bars.wait_for(timeout=LONG)
        found["first prediction drawn"] = time.perf_counter() - began
        again = browser.new_page()
        began = time.perf_counter()
        again.goto(page.url)
        again.locator(".bars button, .bars [role=button]").first.wait_for(timeout=LONG)
        found["next visitor"] = time.perf_counter() - began
        again.close()
        found["typing"] = typing(page)
        found |= first_model(page, home)
    return found


def typing(page: Any) -> float:
    """The third key pressed: the first ones wake up what is called for the first time."""
    editor = page.locator("textarea.editor")
    editor.click()
    for key in " whe":
        bars = page.locator(".bars")  # in a shadow tree, where the page's own script would not find it
        before = bars.inner_text()
        began = time.perf_counter()
        page.keyboard.type(key)
        while bars.inner_text() == before:
            pass
        took = time.perf_counter() - began
        time.sleep(0.5)
    return took


def first_model(page: Any, home: Path) -> dict[str, float]:
    """The default run on the Train page: until its curve moves, and until it has written its last sample."""
    page.locator("[data-testid=stSidebarNavLink][href*='/train']").click()
    button = page.locator(".st-key-train_go button")
    button.wait_for(timeout=LONG)
    time.sleep(5)  # a learner looks at the page; meanwhile a trainer gets warm
    began = time.perf_counter()
    button.click()
    found: dict[str, float] = {}
    while time.perf_counter() - began < LONG / 1000:
        for run in (home / "runs").glob("*/run.json"):
            folder = run.parent
            if "first point" not in found and durable.read_lines(folder / "metrics.jsonl"):
                found["first point"] = time.perf_counter() - began
            if (durable.read_json(folder / "status.json") or {}).get("state") == "finished":
                WROTE.append(durable.read_lines(folder / "samples.jsonl")[-1]["text"])
                return found | {"first model": time.perf_counter() - began}
        time.sleep(0.05)
    raise SystemExit("the first model did not come to its end")


@contextmanager
def page_of(browser: Any, script: Path, home: Path) -> Iterator[tuple[Any, float]]:
    """A server that was just started, and the page that Chromium has open on it; and when the start was."""
    port = free_port()
    words = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true", f"--server.port={port}"]
    began = time.perf_counter()
    server = subprocess.Popen(words, cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL)
    page = browser.new_page()
    try:
        while True:
            try:
                page.goto(f"http://127.0.0.1:{port}/?lang=en")
                break
            except Exception as error:  # playwright's own, imported only here
                # its page for the refusal before may still be on its way
                passing = ("ERR_CONNECTION_REFUSED", "chrome-error", "interrupted by another")
                if not any(sign in str(error) for sign in passing):
                    raise
                time.sleep(0.05)
        yield page, began
    finally:
        page.close()
        server.terminate()
        server.wait()
