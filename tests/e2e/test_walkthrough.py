"""The walk-through in a browser: a clicked cell prints the trace's own number, and arrow keys go on to the next."""

import json

import pytest
import torch

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets import module, stylesheet
from llmlab.widgets.walkthrough import Walker

TEXT = "to be or"


@pytest.fixture
def walker():
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", "to be, or not to be: that is the question")
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, n_layers=2, n_heads=2, d_model=16, context_length=32))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return Walker(model.eval(), tokenizer)


@pytest.fixture
def mounted(page, walker):
    page.expose_function("answerTo", lambda asked: walker.answer(asked))
    source = module("walkthrough").replace("export default", "const widget =", 1)
    page.set_content(f"<style>{stylesheet('walkthrough')}</style><div id=here class=llmlab></div>")
    page.add_script_tag(
        type="module",
        content=f"""{source}
        const state = {json.dumps(walker.state({"text": TEXT}))}, heard = {{}};
        const model = {{
          get: (key) => state[key], set: (key, value) => {{ state[key] = value; }},
          on: (event, f) => (heard[event] ||= []).push(f),
          save_changes: async () => {{ state.answer = await window.answerTo(state.ask); heard["change:answer"].forEach((f) => f()); }},
        }};
        widget.render({{ model, el: document.getElementById("here") }});""",  # noqa: E501
    )
    page.wait_for_selector(".explained .shown")
    return page


def shown(page):
    return float(page.locator(".explained .shown").inner_text().replace("−", "-"))


def test_a_click_prints_the_number_of_the_trace(mounted, walker):
    steps = walker.answer({"text": TEXT})["steps"]
    index = next(i for i, step in enumerate(steps) if step["kind"] == "ff_activation")
    activation = walker._walk[1].steps[index].values
    canvas = mounted.locator(".card canvas").nth(index)
    canvas.click(position={"x": 58 + 5 * 3 + 2, "y": 4 + 15 * 2 + 7})  # third row, fourth column
    mounted.wait_for_function("() => document.querySelector('.explained .operands').children.length === 2")
    assert shown(mounted) == pytest.approx(float(activation[2, 3]), rel=1e-6)
    assert mounted.locator(".agrees").count() == 1
    before = mounted.locator(".explained .shown").inner_text()
    mounted.keyboard.press("ArrowRight")
    mounted.wait_for_function("(said) => document.querySelector('.explained .shown').innerText !== said", arg=before)
    assert shown(mounted) == pytest.approx(float(activation[2, 4]), rel=1e-6)
    mounted.get_by_role("button", name="Table").click()
    assert f"{float(activation[2, 4]):.3f}".replace("-", "−") in mounted.locator(".tables").inner_text()
