"""A reader of chapter 6, in each language: every lab answers, words act, two models train and are looked into."""

import re

import pytest
from playwright.sync_api import Page, expect

from llmlab.course.checking import exercise
from llmlab.i18n import say

from .conftest import App, settled

BERT = {"en": "through a BERT", "zh": "走过一个 BERT"}
COLD = {"en": "a cold", "zh": "低温"}
SCALE = {"en": "Without the scale", "zh": "去掉缩放"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_reader_walks_compares_trains_and_passes(app: App, page: Page, language: str) -> None:
    def word(words: str) -> None:
        page.locator("button.act", has_text=words).first.click()
        settled(page)

    page.goto(app.url("chapter_06", lang=language))
    settled(page)
    expect(page.locator(".st-key-lab_reader .bars button").first).to_be_visible()
    walk = page.locator(".st-key-lab_walkthrough")
    expect(walk.locator(".agrees")).to_be_visible()

    word(BERT[language])
    expect(walk.locator("input.editor")).to_have_value(re.compile(r"\[MASK\]"))
    expect(walk.locator(".kind")).to_have_text(say("widgets.walkthrough_step_weights", language))
    expect(walk.locator(".agrees")).to_be_in_viewport()  # the lab came to the reader, below the words
    word(COLD[language])
    expect(page.locator(".st-key-lab_reader")).to_be_in_viewport()

    masks = page.locator(".st-key-lab_masks")
    word(SCALE[language])
    expect(masks.locator("input[type=checkbox]")).not_to_be_checked()
    expect(masks.locator(".js-plotly-plot")).to_be_visible()
    expect(page.locator(".st-key-lab_sheets")).to_contain_text("GPT-3")

    training = page.locator(".st-key-lab_training")
    training.get_by_role("button", name=say("ui_course.train_both", language)).click()
    expect(training.get_by_text(say("ui_course.train_said_gpt2", language))).to_be_visible()  # its first sample
    training.get_by_role("button", name=say("ui_train.stop", language), exact=True).click()
    training.get_by_role("button", name=say("ui_course.train_walk", language, name="GPT")).click()
    settled(page)
    expect(walk.get_by_role("combobox").first).to_have_value("chapter-gpt-1")
    expect(walk.locator(".agrees")).to_be_visible()

    box = page.locator(".st-key-exercise_softmax")
    box.locator("textarea").fill(exercise("softmax").answer)
    box.get_by_role("button", name=say("ui_course.check", language), exact=True).click()
    expect(box.locator("[data-testid=stAlert]").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    settled(page)
    wider = "main => main.scrollWidth - main.clientWidth"
    assert page.locator("[data-testid=stMain]").evaluate(wider) == 0, "a phone would scroll the whole page sideways"
    expect(page.locator(".st-key-lab_walkthrough .pipeline")).to_have_class(re.compile("more-after"))
    expect(page.locator(".st-key-page_failure, .st-key-learner_error")).to_have_count(0)
