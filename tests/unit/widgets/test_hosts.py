"""One module, three hosts: what each makes of the same source."""

import re
from importlib.resources import files

import pytest

from llmlab.i18n.phrases import phrase_table
from llmlab.widgets import controls, html, jupyter, labels, module, stylesheet

NAMES = sorted(
    path.name.removesuffix(".js")
    for path in files("llmlab.widgets").iterdir()
    if path.name.endswith(".js") and path.name.count(".") == 1 and path.name != "shared.js"
)
OUR_MARKUP = re.compile(r"const markup = .*\n")
WITH_MARKUP = {"course_text", "walkthrough"}
"""Widgets whose HTML comes from this project alone: prose of the course, formulas."""
EVIL = "</script><script>alert(1)</script>\u2028&"


@pytest.mark.parametrize("name", NAMES)
def test_modules_are_plain_and_put_text_in_as_text(name):
    source = OUR_MARKUP.sub("", module(name), count=1)
    assert source.count("export default") == 1
    assert ("markup(" in source) == (name in WITH_MARKUP)
    assert not re.search(r"\bimport\b\s*[({'\"\w]", source)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|fetch\(|https?://(?!www\.w3\.org)", source
    )


@pytest.mark.parametrize("name", ["reader", "generated_text", "token_strip", "attention"])
def test_every_word_the_widget_says_exists(name):
    said = set(re.findall(r"\bsay\.(\w+)", module(name)) + re.findall(r"words\(\)\.(\w+)", module(name)))
    for language in ("en", "zh"):
        assert said <= labels(name, language).keys(), said - labels(name, language).keys()


def test_every_phrase_has_both_languages():
    for area in ("widgets", "ui_shell", "ui_start", "ui_generate", "ui_tokenizers", "ui_attention"):
        for key, phrase in phrase_table(area).items():
            assert phrase.keys() == {"en", "zh"}, key
            assert set(re.findall(r"\{\w+\}", phrase["en"])) == set(re.findall(r"\{\w+\}", phrase["zh"])), key


def test_html_page_keeps_a_learners_text_inside_its_string():
    made = html.page("token_strip", {"text": EVIL}, title="</title><b>")
    assert made.count("</script") == 1
    assert made.count("<script") == 1
    assert "alert(1)</script>" not in made
    assert "\u2028" not in made
    assert "</title><b>" not in made
    assert not re.search(r"(src|href)=", made)


def test_jupyter_answers_what_is_asked():
    widget = jupyter.host("reader", {"text": "a", "answer": None}, lambda ask: {"text": ask["text"] + "!"})
    widget.ask = {"text": "hello"}
    assert widget.answer == {"text": "hello!"}
    assert widget.text == "a"


def test_the_style_has_the_palette():
    assert "--llm-query: light-dark(#0072B2" in stylesheet("reader")


def test_controls_have_help_in_both_languages():
    for english, chinese in zip(controls("en"), controls("zh"), strict=True):
        assert english["help"]
        assert not chinese["help"].isascii()
