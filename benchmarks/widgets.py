"""The Attention widget beside bertviz in Chromium: the size of the page, and how soon it is drawn."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.report import Report
from benchmarks.serving import chromium
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets import bertviz_view, html
from llmlab.widgets.attention import Reading, Seen, Viewer

LAYERS, HEADS = 12, 12
LONG = 120_000
OURS = "document.querySelector('.attention')?.dataset.drawn?.endsWith('exact')"
LINES = "document.querySelectorAll('svg line').length >= {count}"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks widgets")
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args(words).repeats
    from playwright.sync_api import sync_playwright

    report = Report("widgets")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        folder = Path(scratch)
        pages = {tokens: _ours(folder, tokens) for tokens in (64, 128, 512)}
        theirs = {view: _bertviz(folder, pages[64][1], view) for view in ("head", "model")}
        painted: dict[str, list[float]] = {}
        for _ in range(repeats):
            for name, page, drawn in (
                ("ours 64", pages[64][0], OURS),
                ("bertviz head", theirs["head"], LINES.format(count=HEADS * 64 * 64)),
                ("bertviz model", theirs["model"], LINES.format(count=LAYERS * HEADS * 64 * 64)),
                ("ours 128", pages[128][0], OURS),
                ("ours 512", pages[512][0], OURS),
            ):
                painted.setdefault(name, []).append(_first_paint(browser, page, drawn))
                print(f"  {name}: {painted[name][-1]:.3g} s", flush=True)
        redraws = {tokens: _redraws(browser, pages[tokens][0]) for tokens in (64, 128, 512)}
        mb = {tokens: page.stat().st_size / 1e6 for tokens, (page, _) in pages.items()}
        their_mb = theirs["head"].stat().st_size / 1e6
    what = f"{LAYERS} × {HEADS} heads"
    report.value(f"{what} × 64 tokens: the page with all that first paint needs", [mb[64]], unit="MB", at_most=0.9)
    report.compare("… its size beside bertviz's head view", [mb[64]], [their_mb], unit="MB", reach=1)
    report.compare(
        "… first paint, beside bertviz's head view", painted["ours 64"], painted["bertviz head"], unit="s", reach=5
    )
    report.compare("… beside bertviz's model view", painted["ours 64"], painted["bertviz model"], unit="s", reach=5)
    report.value(f"{what} × 128 tokens: size", [mb[128]], unit="MB", at_most=3)
    for tokens in (64, 128, 512):
        for view, found in redraws[tokens].items():
            report.value(f"… {tokens} tokens: redraw, {view}", found, unit="s", at_most=0.1)
    report.value("512 tokens: size", [mb[512]], unit="MB")
    report.value("512 tokens: first paint", painted["ours 512"], unit="s")
    report.details["first paint"] = painted
    report.end()


def _seen(tokens: int) -> tuple[Viewer, Seen]:
    """A model of that many heads that looks to both sides at will: attention that nothing makes easy to pack."""
    tokenizer = train_tokenizer("char", "abcdefghijklmnopqrstuvwxyz ")
    config = GPTConfig(
        vocab_size=tokenizer.vocab_size,
        context_length=512,
        n_layers=LAYERS,
        n_heads=HEADS,
        n_kv_heads=HEADS,
        d_model=HEADS * 64,
        d_ff=64,
    )
    torch.manual_seed(0)
    viewer = Viewer(GPT(config), tokenizer, title="benchmark")
    text = "".join(np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvwxyz "), tokens - 1)) + "."
    reading = Reading(tokenizer.encode(text.replace(".", "e")), list(text), [0] * tokens)
    seen = viewer.seen(reading)
    scores = np.random.default_rng(1).normal(scale=2, size=seen.weights.shape).astype(np.float32)
    seen.weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    viewer.seen = lambda reading: seen  # type: ignore[method-assign]
    viewer.read = lambda text, second="": seen.reading  # type: ignore[method-assign]
    return viewer, seen


def _ours(folder: Path, tokens: int) -> tuple[Path, Seen]:
    """What first paint needs, as one page; the second block of float32 numbers is not part of it."""
    viewer, seen = _seen(tokens)
    state = viewer.state({"text": "".join(seen.reading.tokens)}) | {"live": False}
    page = folder / f"ours{tokens}.html"
    page.write_text(html.page("attention", state, title="ours"), encoding="utf-8")
    return page, seen


def _bertviz(folder: Path, seen: Seen, view: str) -> Path:
    """The page bertviz writes of the same attention, its three libraries put in so that it draws without a network."""
    import bertviz

    attention = [torch.from_numpy(layer)[None] for layer in seen.weights]
    show = bertviz.head_view if view == "head" else bertviz.model_view
    written = show(attention, list(seen.reading.tokens), html_action="return").data
    begin = written.index("<script src=")
    end = written.index("</script>", begin) + len("</script>")
    libraries = (
        bertviz_view._libraries() + '<script>define("d3", d3_library); define("jquery", jquery_library);</script>'
    )
    page = folder / f"bertviz_{view}.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8">{written[:begin]}{libraries}{written[end:]}', encoding="utf-8"
    )
    return page


def _first_paint(browser: Any, page: Path, drawn: str) -> float:
    """Seconds from the start of navigation to the frame after the view is there."""
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.set_default_timeout(LONG)
    tab.add_init_script(
        "window.paintedAt = new Promise((done) => { const look = () => (" + drawn + ")"
        " ? requestAnimationFrame(() => setTimeout(() => done(performance.now()))) : setTimeout(look, 1); look(); });"
    )
    tab.goto(page.as_uri(), wait_until="commit", timeout=LONG)
    found = float(tab.evaluate("window.paintedAt")) / 1000
    tab.close()
    return found


def _redraws(browser: Any, page: Path) -> dict[str, list[float]]:
    """Seconds from a pointer's move to the frame that shows it, in each view, at ten places."""
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.goto(page.as_uri())
    tab.wait_for_function(OURS)
    found: dict[str, list[float]] = {}
    for i, view in enumerate(("lines", "matrix", "all heads", "query · key")):
        tab.locator(".view").nth(i).click()
        tab.wait_for_timeout(200)
        found[view] = tab.evaluate(
            """async () => {
              const canvas = document.querySelector('.picture'), box = canvas.getBoundingClientRect(), took = [];
              const frame = () => new Promise((done) => requestAnimationFrame(done));
              for (let i = 1; i <= 10; i++) {
                await frame();
                const began = performance.now();
                canvas.dispatchEvent(new PointerEvent('pointermove', { bubbles: true,
                  clientX: box.left + 5 + i * 20, clientY: box.top + 60 + i * 15 }));
                await frame();
                canvas.getContext('2d').getImageData(0, 0, 1, 1);
                took.push((performance.now() - began) / 1000);
              }
              return took;
            }"""
        )
    tab.close()
    return found


if __name__ == "__main__":
    began = time.perf_counter()
    main([])
    print(f"{time.perf_counter() - began:.0f} s")
