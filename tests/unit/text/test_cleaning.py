import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlab.i18n import LearnerError, say
from llmlab.text.cleaning import STEPS, clean
from llmlab.text.stop_words import CHINESE, ENGLISH


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("markup", "<p>A <b class='x'>bold</b> claim</p><p>Next</p>", "\nA bold claim\nNext\n"),
        ("markup", "one<br/>two<!-- not\nthis -->", "one\ntwo"),
        ("markup", "a<script type=x>var a = '<b>';</script>b<STYLE>p {}</STYLE>c", "abc"),
        ("markup", "<?xml version='1'?><!DOCTYPE html>x", "x"),
        ("markup", "Tom &amp; Ada &lt;b&gt; &#20320;&nbsp;&hellip;", "Tom & Ada <b> 你\xa0…"),
        ("markup", "if a < b and c > d, 3<4 and <3", "if a < b and c > d, 3<4 and <3"),
        (
            "markup",
            '# Title\n\n**Bold** and `code` and [link](http://x.y "t") ![](a.png)',
            "Title\n\nBold and code and link ",
        ),
        ("markup", "```python\nx = 1\n```\nrest", "x = 1\nrest"),
        ("markup", "2 ** 3 ** 4, #tag, [Exit KING] (aside)", "2 ** 3 ** 4, #tag, [Exit KING] (aside)"),
        ("special_characters", "a\x00b\x07c\ufeffd\u200be\ue000f\ufffdg\u202eh\xad", "abcdefgh"),
        ("special_characters", "«你好，世界！» …\t👩‍🚀❤️🏴󠁧󠁢󠁥󠁮󠁧󠁿\n", "«你好，世界！» …\t👩‍🚀❤️🏴󠁧󠁢󠁥󠁮󠁧󠁿\n"),
        ("whitespace", "  a \t b\xa0\u3000c  \r\n\n\n\n d\u2028e ", "a b c\n\nd\ne\n"),
        ("whitespace", " \n\t\n", ""),
        ("duplicates", "a\nb\na\nb \nc\n", "a\nb\nc\n"),
        (
            "duplicates",
            "KING:\nyes\n\nQUEEN:\nno\n\nKING:\nno\n\nKING:\nyes\n",
            "KING:\nyes\n\nQUEEN:\nno\n\nKING:\nno",
        ),
        ("duplicates", "one\none\ntwo\none\n\n\nthree", "one\ntwo\none\n\nthree"),
        ("case", "Ada ÉTÉ 你好 Straße", "ada été 你好 straße"),
        ("stop_words", "The king of France is not there.\nAnd then?", "king France .\n?"),
        ("stop_words", "theme, don't, a-b, other’s, bandit", "theme, don't, a-b, other’s, bandit"),
        ("stop_words", "他的目的地是首都，我们也了解了。", "他目的地是首都，了解。"),
    ],
)
def test_before_and_after(step, before, after):
    assert STEPS[step].function(before) == after


@pytest.mark.parametrize("step", STEPS)
@given(text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&;*#`[]() \n\u3000的了aA")))
def test_any_text_can_be_cleaned_and_shrinks(step, text):
    once = STEPS[step].function(text)
    if step in ("special_characters", "whitespace", "duplicates"):
        assert STEPS[step].function(once) == once
    if step not in ("markup", "case"):  # entities and letters like İ have longer equivalents
        assert len(once) <= len(text) + (step == "whitespace")


def test_steps_are_taken_in_their_own_order():
    text = "<b>A</b>\u200b  dog&nbsp;\nA dog\n"
    assert clean(text, ["case", "duplicates", "whitespace", "markup", "special_characters"]) == "a dog\n"
    assert clean(text, list(STEPS)) == "dog\n"
    assert clean(text, []) == text


def test_an_unknown_step_names_those_there_are():
    with pytest.raises(LearnerError, match=r"polish.*markup, special_characters"):
        clean("x", ["polish"])


def test_every_step_says_what_it_does_and_only_stop_words_warn():
    for name, step in STEPS.items():
        assert step.name == name
        for phrase in (
            f"text.step_{name}",
            f"text.step_{name}_help",
            *([f"text.{name}_warning"] if step.warns else []),
        ):
            assert say(phrase, "en") != say(phrase, "zh")
    assert [name for name, step in STEPS.items() if step.warns] == ["stop_words"]
    assert len(set(ENGLISH.split())) == len(ENGLISH.split())
    assert len(set(CHINESE.split())) == len(CHINESE.split())
