"""A reader of chapter 7: steps the graph both ways, races optimisers, guesses, times a product, passes an exercise."""

import re

from playwright.sync_api import Page, expect

from llmlab.course.checking import exercise

from .conftest import App, settled


def test_a_reader_steps_races_guesses_and_passes(app: App, page: Page) -> None:
    page.goto(app.url("chapter_07", lang="en"))
    settled(page)
    graph = page.locator(".graph")
    expect(graph.locator(".node")).to_have_count(6)
    graph.get_by_role("button", name="Forward").click()
    expect(graph.locator(".status")).to_contain_text("z1 = a · b = 2 · (−3) = −6")
    graph.locator(".drawing").press("End")
    expect(graph.locator("text.gradient").filter(has_text="12")).to_have_count(1)  # ∂L/∂b … of a
    graph.locator(".node").first.click()
    expect(graph.locator(".detail")).to_contain_text("∂L/∂a = ∂L/∂z1 · ∂z1/∂a = (−4) · (−3) = 12")
    graph.locator("input.formula").fill("a*(")
    expect(graph.locator(".error")).to_be_visible()

    page.get_by_role("button", name="used twice", exact=True).click()
    settled(page)
    expect(page.locator(".graph input.formula")).to_have_value("a*a + a*b")

    race = page.locator(".race")
    race.get_by_role("button", name="saddle").click()
    expect(race.locator(".top .mono")).to_contain_text("x² − y²")
    expect(race.locator(".bar output")).not_to_have_text("step 0 of 200")  # what was changed is played
    race.get_by_role("button", name="Play", exact=True).or_(race.get_by_role("button", name="Pause")).click()
    race.locator("canvas.map").click(position={"x": 200, "y": 120})
    race.locator("canvas.map").press(".")
    expect(race.locator("p.note", has_text="is lowest")).to_have_text(re.compile("At step [0-9]+ "))

    question = page.locator(".predict", has_text="what is")
    question.get_by_role("radio", name="5", exact=True).click()
    expect(question.locator(".answer")).to_contain_text("added")

    product = page.locator(".st-key-lab_product")
    product.get_by_role("button", name="Time all five").click()
    expect(product.locator(".times tr")).to_have_count(6)

    box = page.locator(".st-key-exercise_linear_backward")
    box.locator("textarea").fill(exercise("linear_backward").answer)
    box.get_by_role("button", name="Check").click()
    expect(box.get_by_text(re.compile("Right|right"))).to_be_visible()
