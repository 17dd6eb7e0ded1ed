"""The code a page offers for a notebook runs, and ends in the widget that the page shows."""

import pytest


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", ["start", "generate", "tokenizers", "attention"])
def test_the_code_runs(visit, page, language):
    shown = visit(page, lang=language)
    source = shown.app.code[-1].value
    body, _, last = source.rpartition("\n")
    names: dict[str, object] = {}
    exec(compile(body, page, "exec"), names)
    made = eval(compile(last, page, "eval"), names)
    name = {"start": "reader", "generate": "generated_text", "tokenizers": "token_strip"}.get(page, page)
    _, state = shown.widget(name)
    if page == "generate":
        assert made.settings["prompt"] == state["settings"]["prompt"]
    else:
        assert made.text == state["text"]
    made.ask = {"text": "be" if language == "en" else "明", "temperature": 1.0, "nonce": 5}
    assert made.answer["nonce"] == 5
