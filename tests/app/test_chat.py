"""Talking to a model that has a chat template: turns, settings, a new conversation, and the other mode."""

import shutil
from pathlib import Path

import pytest

from tests.app.talker import save_talker


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "talker"
    save_talker(folder)
    return folder


@pytest.fixture
def talk(visit, talker, tmp_path):
    shutil.copytree(talker, tmp_path / "runs" / "talker")

    def start(**query):
        visited = visit("generate", model="talker", **query)
        assert not visited.broken()
        return visited

    return start


def texts(visited):
    return [element.value for element in visited.app.text]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_question_is_answered_and_the_answer_stays(talk, lang):
    app = talk(lang=lang).app
    app.slider(key="chat_tokens").set_value(32)
    app.chat_input(key="chat_input").set_value("ab? **b**").run()
    assert not app.exception
    question, answer = (turn.text for turn in app.session_state["generate_chat"].turns)
    assert len(answer) == 32
    assert [element.value for element in app.text] == ["ab? **b**", answer.strip()]  # as they are, not as Markdown
    app.chat_input(key="chat_input").set_value("c?").run()
    assert [element.value for element in app.text][:3] == [question, answer.strip(), "c?"]
    assert f"u:{question};a:{answer};u:c?;a:" in app.code[0].value


def test_the_system_prompt_comes_first_and_a_new_conversation_forgets(talk):
    app = talk(lang="en").app
    app.text_area(key="chat_system").set_value("bad").run()
    app.chat_input(key="chat_input").set_value("ab?").run()
    assert app.code[0].value.startswith("s:bad;u:ab?;")
    app.button(key="chat_new").click().run()
    assert not app.text
    assert not app.exception


def test_what_the_vocabulary_lacks_is_said(talk):
    visited = talk(lang="en")
    visited.app.chat_input(key="chat_input").set_value("Q").run()
    assert not visited.broken()
    assert "Q" in visited.said()


def test_it_can_continue_a_text_instead(talk):
    visited = talk(lang="en")
    visited.app.session_state["generate_mode"] = "continue"
    visited.app.run()
    assert visited.widget("generated_text")
    assert not visited.broken()
