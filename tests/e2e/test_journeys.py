"""What a learner does, in a real browser: first visit, a training stopped and resumed, an own text, two languages."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.talker import save_talker

from .conftest import App, settled

LONG = 120_000
PAPER = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
PAGES = ("start", "train", "speed", "tokenizers", "generate", "attention", "embeddings", "library")


def visit(page: Page, url: str) -> None:
    page.goto(url)
    settled(page)


def healthy(page: Page) -> None:
    """No page failed, and nothing reads like a traceback."""
    expect(page.locator(".st-key-page_failure")).to_have_count(0)
    expect(page.get_by_text("Traceback")).to_have_count(0)


def set_steps(page: Page, steps: int, **fields: int) -> None:
    """Open the third step of Train and say how long the run is."""
    page.locator(".st-key-train_step_model summary").click()
    settled(page)
    page.locator(".st-key-train_details label").first.click()
    settled(page)
    for name, value in {"steps": steps, **fields}.items():
        box = page.locator(f"[class*=st-key-train_word_{name}_] input")
        box.fill(str(value))
        box.press("Enter")
        settled(page)


def status_of(app: App) -> dict:
    """The status file of the only run."""
    (path,) = (app.home / "runs").glob("*/status.json")
    return json.loads(path.read_text())


def wait_for_state(page: Page, app: App, *states: str, seconds: int = 240) -> dict:
    for _ in range(seconds * 4):
        if list((app.home / "runs").glob("*/status.json")) and status_of(app)["state"] in states:
            return status_of(app)
        page.wait_for_timeout(250)
    raise AssertionError(f"still {status_of(app)}")


def wait_for_progress(page: Page, app: App, step: int, seconds: int = 120) -> None:
    for _ in range(seconds * 4):
        if status_of(app)["step"] > step:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"still {status_of(app)}")


def test_first_visit_in_both_languages(app: App, page: Page) -> None:
    visit(page, app.url(lang="en"))
    editor = page.locator("textarea.editor")
    expect(editor).to_be_visible(timeout=LONG)
    bars = page.locator(".bars button, .bars [role=button]")
    expect(bars.first).to_be_visible(timeout=LONG)
    before = page.locator(".bars").inner_text()
    editor.fill("My lord, I have a dau")
    expect(page.locator(".bars")).not_to_have_text(before, timeout=LONG)
    expect(page.locator(".strip")).to_contain_text("d")
    bars.first.click()
    expect(editor).not_to_have_value("My lord, I have a dau")
    written, paper = editor.input_value(), page.evaluate(PAPER)
    page.locator(".st-key-appearance button").click()
    page.wait_for_function(f"({PAPER})() !== {paper!r}")
    expect(editor).to_have_value(written)  # no reload

    for name in PAGES[1:]:
        page.locator(f"[data-testid=stSidebarNavLink][href*='/{name}']").click()
        page.wait_for_url(re.compile(name))
        settled(page)
        healthy(page)

    page.locator(".st-key-language_switch button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("[一-龥]"))
    assert "library" in page.url  # the switch keeps the place
    for name in PAGES:
        visit(page, app.url("" if name == "start" else name, lang="zh"))
        healthy(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("[一-龥]"))


def test_train_stop_reload_resume_and_generate(app: App, page: Page) -> None:
    visit(page, app.url("train", lang="en"))
    set_steps(page, 60, context=128)
    page.locator(".st-key-train_go button").click()
    page.wait_for_url(re.compile("run="))
    name = re.search(r"run=([^&]+)", page.url)[1]
    expect(page.locator(".st-key-train_stop button")).to_be_visible(timeout=LONG)
    page.wait_for_function("() => /step (\\d+)/i.test(document.body.innerText)", timeout=LONG)
    page.locator(".st-key-train_stop button").click()
    stopped = wait_for_state(page, app, "stopped")
    assert 0 < stopped["step"] < 60

    page.reload()
    settled(page)
    healthy(page)
    assert name in page.url
    page.get_by_text("More", exact=True).last.click()
    page.get_by_role("button", name="Resume").click()
    finished = wait_for_state(page, app, "finished")
    assert finished["step"] == 60
    steps = [json.loads(line)["step"] for line in (app.home / "runs" / name / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))

    expect(page.locator(".st-key-train_talk button")).to_be_visible(timeout=LONG)
    page.locator(".st-key-train_talk button").click()
    page.wait_for_url(re.compile("generate"))
    settled(page)
    healthy(page)
    page.locator("button.primary").first.click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('[role=option], .token')"
        " || e.matches?.('[role=option], .token'))",
        timeout=LONG,
    )
    healthy(page)


def test_a_conversation_grows_is_begun_anew_and_gives_way_to_writing(app: App, page: Page) -> None:
    save_talker(app.home / "runs" / "talker")
    visit(page, app.url("generate", model="talker", lang="en"))
    turns = page.locator(".st-key-chat_turns [data-testid=stChatMessage]")
    page.locator(".st-key-chat_example_1 button").wait_for()
    ask = page.locator("[data-testid=stChatInput] textarea")
    for number, question in enumerate(["ab? **b**", "![x](y)"], 1):
        ask.fill(question)
        ask.press("Enter")
        expect(page.get_by_text(re.compile(r"\d+ tokens, [\d.]+ a second"))).to_have_count(number)
        expect(turns).to_have_count(2 * number)
        said = turns.nth(2 * number - 2).locator("[data-testid=stText]")
        expect(said).to_have_text(question)  # as it is: a picture would be asked for elsewhere
    settled(page)
    page.locator(".st-key-chat_new button").click()
    expect(turns).to_have_count(0)
    page.locator(".st-key-generate_mode button").last.click()
    expect(page.locator(".writer .bar").first).to_be_visible()
    assert "mode=continue" in page.url
    healthy(page)


def test_upload_own_text(app: App, page: Page, tmp_path: Path) -> None:
    own = tmp_path / "diary.txt"
    own.write_text("Today the <b>sea</b> was calm and we sailed to the far island.\n" * 80, encoding="utf-8")
    visit(page, app.url("train", lang="en"))
    page.locator(".st-key-train_step_text summary").click()
    settled(page)
    page.get_by_text("Your own text", exact=False).first.click()
    settled(page)
    expect(page.get_by_text("Your text stays on this machine")).to_be_visible()
    page.locator("input[type=file]").set_input_files(str(own))
    expect(page.get_by_text("diary", exact=False).first).to_be_visible()
    settled(page)
    page.locator(".st-key-train_step_text summary").first.scroll_into_view_if_needed()
    healthy(page)
    expect(page.locator(".st-key-train_go button")).to_be_enabled(timeout=LONG)
    set_steps(page, 5)
    page.locator(".st-key-train_go button").click()
    wait_for_state(page, app, "finished")
    page.wait_for_timeout(1500)
    healthy(page)


@pytest.mark.parametrize("first", ["en", "zh"])
def test_switch_language_while_training(app: App, page: Page, first: str) -> None:
    visit(page, app.url("train", lang=first))
    set_steps(page, 2000)
    page.locator(".st-key-train_go button").click()
    page.wait_for_url(re.compile("run="))
    wait_for_state(page, app, "running")
    before = status_of(app)["step"]
    page.locator(".st-key-language_switch button").first.click()
    other = "zh" if first == "en" else "en"
    page.wait_for_url(re.compile(f"lang={other}"))
    assert "run=" in page.url
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(re.compile("[一-龥]" if other == "zh" else "^[^一-龥]+$"))
    expect(page.locator(".st-key-train_stop button")).to_be_visible()
    wait_for_progress(page, app, before)
    healthy(page)

    page.locator("[data-testid=stSidebarNavLink][href*='/tokenizers']").click()
    settled(page)
    page.locator("[data-testid=stSidebarNavLink][href*='/train']").click()
    settled(page)
    expect(page.locator(".st-key-train_stop button")).to_be_visible()
    page.locator(".st-key-train_stop button").click()
    wait_for_state(page, app, "stopped")
