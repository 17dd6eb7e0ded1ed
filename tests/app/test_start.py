"""The Start page: text in; tokens, distribution and attention of the same forward pass out."""

import pytest

from llmlab.training import durable, runs
from llmlab.training.config import TrainConfig


@pytest.mark.parametrize(
    ("language", "text"), [("en", "To be, or not to be, that is the "), ("zh", "床前明月光，疑是地上")]
)
def test_each_language_has_its_model_and_its_line(visit, language, text):
    visited = visit("start", lang=language)
    _, state = visited.widget("reader")
    assert state["text"] == text
    assert "".join(state["answer"]["tokens"]) == text.replace(" ", "·")
    assert "14" in visited.said()  # minutes, out of metrics.jsonl


def test_the_answer_follows_the_text(visit):
    visited = visit("start", lang="en")
    state = visited.ask("reader", text="be", temperature=1.0, nonce=7)
    assert state["answer"]["nonce"] == 7
    assert state["answer"]["tokens"] == ["b", "e"]


def test_a_character_the_model_lacks_is_named_in_the_readers_language(visit):
    visited = visit("start", lang="zh")
    answer = visited.ask("reader", text="床é", temperature=1.0, nonce=1)["answer"]
    assert "é" in answer["error"]
    assert not answer["error"].isascii()
    assert not visited.broken()


def test_the_text_is_still_there_after_another_page(visit):
    visited = visit("start", lang="en")
    visited.ask("reader", text="that is", temperature=0.5, nonce=3)
    state = visited.go("tokenizers").go("start").widget("reader")[1]
    assert state["text"] == "that is"
    assert state["temperature"] == 0.5


def _trained(name, source):
    import shutil

    run = runs.create(TrainConfig(corpus="tales-en", steps=10), name, None)
    shutil.copytree(source, run / "checkpoints" / "step-000010")
    durable.append_line(run / "metrics.jsonl", {"step": 10, "seconds": 61.0, "train_loss": 3.0})
    return run


def test_the_newest_own_model_is_on_show_and_one_click_returns(visit, embedded):
    _trained("mine", embedded / "shakespeare-gpt")
    visited = visit("start", lang="en")
    assert "your model **mine**" in visited.said()
    assert "61 seconds" in visited.said()
    visited.app.button(key="model_switch").click().run()
    assert "**Shakespeare GPT**" in visited.said()
    visited.app.button(key="model_switch").click().run()
    assert "your model **mine**" in visited.said()


def test_a_model_in_the_address_is_opened_by_name_only(visit, embedded, tmp_path):
    _trained("first", embedded / "shakespeare-gpt")
    _trained("second", embedded / "tang-gpt")
    assert "your model **first**" in visit("start", lang="en", model="first").said()
    outside = visit(None, lang="en", model=str(embedded / "tang-gpt"))
    assert "no model called" in outside.app.warning[0].value
    assert not outside.broken()
