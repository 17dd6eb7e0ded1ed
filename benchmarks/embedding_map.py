"""A map of 20,000 vectors in the browser: what travels, when it is first seen, and how it moves under the hand."""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.report import Report
from benchmarks.serving import chromium

POINTS, WIDTH = 20_000, 192

DRAG = """async () => {
  const canvas = document.querySelector(".em canvas[role=application]"), box = canvas.getBoundingClientRect();
  const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { clientX: box.x + x, clientY: box.y + y,
    pointerId: 1, pointerType: "mouse", bubbles: true }));
  canvas.setPointerCapture = () => {};
  send("pointerdown", 200, 200);
  const frames = [];
  let last = performance.now();
  for (let i = 1; i <= 90; i++) {
    send("pointermove", 200 + 3 * i, 200 + i);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  send("pointerup", 470, 290);
  return frames.slice(5);
}"""


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks embedding_map")
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args(words).repeats
    from playwright.sync_api import sync_playwright

    report = Report("embedding_map")
    first, second = state_and_page()
    report.value("what travels for the first picture", [len(first) / 1e6], unit="MB", at_most=3)
    found: dict[str, list[float]] = {"paint": [], "2-D": [], "3-D": []}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for round_ in range(repeats):
            file = Path(scratch) / f"{round_}.html"
            file.write_text(second, encoding="utf-8")
            tab = browser.new_page(viewport={"width": 1360, "height": 900})
            began = time.perf_counter()
            tab.goto(file.as_uri())
            tab.wait_for_selector(f"canvas[data-points='{POINTS}']", timeout=60_000)
            found["paint"].append(time.perf_counter() - began)
            found["2-D"] += moved(tab)
            tab.get_by_role("button", name="3-D").click()
            tab.wait_for_timeout(1_500)
            found["3-D"] += moved(tab)
            tab.close()
        browser.close()
    report.value("opening the saved page to the first picture", found["paint"], unit="s")
    for name, note in (("2-D", "panning"), ("3-D", "turning")):
        ordered = sorted(found[name])
        report.value(f"a frame while {note}, {name}", ordered, unit="ms", at_most=1000 / 30)
        report.value(f"… the slowest twentieth, {name}", [ordered[int(0.95 * len(ordered))]], unit="ms")
    report.end()


def moved(tab: Any) -> list[float]:
    """Milliseconds from frame to frame while the map is dragged."""
    frames: list[float] = tab.evaluate(DRAG)
    return frames


def state_and_page() -> tuple[str, str]:
    """The state that the app sends for 20,000 vectors in groups, and the saved page of the same."""
    from llmlab.lens.points import Attribute, Points, categories
    from llmlab.widgets import html
    from llmlab.widgets.embedding_map import EmbeddingMap

    generator = torch.Generator().manual_seed(0)
    centres = 2 * torch.randn(12, WIDTH, generator=generator)
    group = torch.arange(POINTS) % 12
    vectors = torch.randn(POINTS, WIDTH, generator=generator) + centres[group]
    points = Points(
        vectors=vectors[None],
        names=[f"token{i}" for i in range(POINTS)],
        attributes={
            "group": categories([str(int(g) + 1) for g in group]),
            "rank": Attribute(values=list(range(POINTS))),
        },
    )
    made = EmbeddingMap(points)
    state = json.dumps(made.state({}))
    return state, html.page("embedding_map", made.saved(), title="20,000 vectors")
