"""A reader of chapter 7: steps the graph both ways, races optimisers, guesses, times a product, passes an exercise."""

import re

import pytest
from playwright.sync_api import Page, expect

from llmlab.course.checking import exercise
from llmlab.i18n import Language, say

from .conftest import App, settled

WORDS = {
    "en": ["Forward", "used twice", "saddle", "Play", "Pause", "is lowest", "At step [0-9]+ ", "what is", "added"],
    "zh": ["前向一步", "用了两次", "鞍点", "播放", "暂停", "的损失最低", "第 [0-9]+ 步时", "等于多少", "相加"],
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_reader_steps_races_guesses_and_passes(app: App, page: Page, language: Language) -> None:
    forward, twice, saddle, play, pause, lowest, at_step, asked, answered = WORDS[language]
    page.goto(app.url("chapter_07", lang=language))
    settled(page)
    graph = page.locator(".graph")
    expect(graph.locator(".node")).to_have_count(6)
    graph.get_by_role("button", name=forward).click()
    expect(graph.locator(".status")).to_contain_text("z1 = a · b = 2 · (−3) = −6")
    graph.locator(".drawing").press("End")
    expect(graph.locator("text.gradient").filter(has_text="12")).to_have_count(1)  # ∂L/∂b … of a
    graph.locator(".node").first.click()
    expect(graph.locator(".detail")).to_contain_text("∂L/∂a = ∂L/∂z1 · ∂z1/∂a = (−4) · (−3) = 12")
    graph.locator("input.formula").fill("a*(")
    expect(graph.locator(".error")).to_be_visible()

    page.get_by_role("button", name=twice, exact=True).click()
    settled(page)
    expect(page.locator(".graph input.formula")).to_have_value("a*a + a*b")

    race = page.locator(".race")
    race.get_by_role("button", name=saddle).click()
    expect(race.locator(".top .mono")).to_contain_text("x² − y²")
    begun = say("widgets.optimiser_race_count", language, step=0, steps=200)
    expect(race.locator(".bar output")).not_to_have_text(begun)  # what was changed is played
    race.get_by_role("button", name=play, exact=True).or_(race.get_by_role("button", name=pause)).click()
    race.locator("canvas.map").click(position={"x": 200, "y": 120})
    race.locator("canvas.map").press(".")
    expect(race.locator("p.note", has_text=lowest)).to_have_text(re.compile(at_step))

    question = page.locator(".predict", has_text=asked)
    question.get_by_role("radio", name="5", exact=True).click()
    expect(question.locator(".answer")).to_contain_text(answered)

    product = page.locator(".st-key-lab_product")
    product.get_by_role("button", name=say("ui_course.product_go", language)).click()
    expect(product.locator(".times tr")).to_have_count(6)

    box = page.locator(".st-key-exercise_linear_backward")
    box.get_by_role("button", name=say("ui_course.check", language)).click()
    expect(box.get_by_text(say("course.check_none", language))).to_be_visible()
    box.locator("textarea").fill(exercise("linear_backward").answer)
    box.get_by_role("button", name=say("ui_course.check", language)).click()
    expect(box.get_by_text(re.compile("^(Right|正确)"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^(Next|下一章)")).click()
    settled(page)
    expect(page.locator("h1")).to_contain_text("8 · ")
    expect(page.locator("html")).to_have_attribute("lang", {"en": "en", "zh": "zh-CN"}[language])
