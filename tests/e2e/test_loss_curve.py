"""The loss curve in a browser: zoom survives updates, gaps are asked for, labels never collide, keys and table work."""

import itertools
import json
import math
import re

import pytest

from llmlab.widgets import module, stylesheet
from llmlab.widgets.loss_curve import CurveRun, LossCurve, chunk

REFERENCES = {"uniform": 4.17, "unigram": 3.31, "kneser_ney": {"order": 6, "loss": 1.56}, "floor": 1.55}


def metrics(first, last):
    lines = [{"step": s, "train_loss": 1.6 + 2.6 * math.exp(-s / 120)} for s in range(first, last)]
    return [line | ({"val_loss": line["train_loss"] + 0.05} if line["step"] % 50 == 0 else {}) for line in lines]


@pytest.fixture
def mounted(page):
    def mount(runs, chunks):
        state = LossCurve(runs=runs, chunks=chunks, references=REFERENCES).state()
        source = module("loss_curve").replace("export default", "const widget =", 1)
        page.set_content(f"<style>{stylesheet('loss_curve')}</style><div id=here class=llmlab></div>")
        page.add_script_tag(
            type="module",
            content=f"""{source}
            const state = {json.dumps(state)}, heard = {{}};
            window.model = {{
              get: (key) => state[key], set: (key, value) => {{ state[key] = value; }}, save_changes: () => {{}},
              on: (event, f) => (heard[event] ||= []).push(f),
              update: (key, value) => {{ state[key] = value; (heard["change:" + key] || []).forEach((f) => f()); }},
            }};
            widget.render({{ model: window.model, el: document.getElementById("here") }});""",
        )
        page.wait_for_selector(".lc > svg path[d*=L]")
        return page

    return mount


def update(page, part):
    page.evaluate("(part) => model.update('chunks', [part])", part)
    page.wait_for_timeout(100)


def axis(page):
    return page.locator(".lc > svg > text[text-anchor=middle]").all_text_contents()


def test_zoom_survives_new_points_and_double_click_shows_all(mounted):
    page = mounted([CurveRun(id="a", name="a", unit="char")], [chunk("a", metrics(1, 400))])
    whole = axis(page)
    box = page.locator(".lc > svg").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    zoomed = axis(page)
    assert zoomed != whole
    update(page, chunk("a", metrics(1, 900), after=390))
    assert axis(page) == zoomed
    page.locator(".lc > svg").dblclick()
    page.wait_for_timeout(100)
    assert "800" in axis(page)


def test_a_gap_is_asked_for_and_an_overlap_is_harmless(mounted):
    page = mounted([CurveRun(id="a", name="a", unit="char")], [chunk("a", metrics(1, 100))])
    update(page, chunk("a", metrics(1, 120), after=80))
    assert page.evaluate("model.get('missing')") is None
    update(page, chunk("a", metrics(1, 300), after=200))
    assert page.evaluate("model.get('missing')")["runs"] == ["a"]


def test_labels_never_collide_and_names_are_text(mounted):
    runs = [CurveRun(id=str(i), name=f"<img src=x> {i}", unit="char") for i in range(4)]
    page = mounted(runs, [chunk(str(i), metrics(1, 500)) for i in range(4)])
    boxes = [label.bounding_box() for label in page.locator(".lc > svg > text[paint-order]").all()]
    assert len(boxes) == 8
    tops = sorted(box["y"] for box in boxes)
    assert all(b - a >= 12 for a, b in itertools.pairwise(tops))
    assert page.locator(".lc img").count() == 0


def test_hover_and_keys_say_what_a_loss_means_and_the_table_holds_the_numbers(mounted):
    page = mounted([CurveRun(id="a", name="a", unit="char")], [chunk("a", metrics(1, 501))])
    page.locator(".lc > svg").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(100)
    said = page.locator(".lc-readout").inner_text()
    assert re.match(r"step 1: surprised as if choosing among 65 characters", said)
    page.get_by_role("button", name="Table").click()
    page.wait_for_timeout(100)
    assert "1.7" in page.locator(".lc-table").inner_text()
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save picture").click()
    assert picture.value.suggested_filename == "loss-curve.png"
