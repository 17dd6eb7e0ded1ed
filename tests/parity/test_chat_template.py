"""Conversations as transformers writes them, from templates that use what real ones use."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from llmlab.i18n import LearnerError
from llmlab.text.chat import Message, chat_text
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

MARKED = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|start|>system\nBe kind.<|end|>\n' }}{% endif %}"
    "{{'<|start|>' + message['role'] + '\n' + message['content'] + '<|end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\n' }}{% endif %}"
)
BLOCKS = """{{ bos_token }}
{%- for message in messages %}
    {% if message.role == 'system' %}
        {% continue %}
    {% endif %}
    {{- '[' + message.role + '] ' + message.content | trim | tojson }}
{% endfor %}
{% if tools %}none{% endif %}"""
STRICT = "{% if messages[0].role != 'user' %}{{ raise_exception('begin with the user') }}{% endif %}"
TALKS = [
    [Message("user", "Hi")],
    [
        Message("system", "Be brief."),
        Message("user", " 你好 <b> \n"),
        Message("assistant", "“Yes”"),
        Message("user", "?"),
    ],
]


def with_template(template: str, folder: Path) -> Tokenizer:
    train_tokenizer("char", "ab").save(folder)
    theirs = AutoTokenizer.from_pretrained(folder)
    theirs.chat_template = template
    theirs.add_special_tokens({"bos_token": "<s>"})
    theirs.save_pretrained(folder)
    return Tokenizer.load(folder)


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("talk", TALKS, ids=["one", "several"])
@pytest.mark.parametrize("template", [MARKED, BLOCKS], ids=["marked", "blocks"])
def test_as_transformers_writes_it(template: str, talk: list[Message], answer: bool, tmp_path: Path) -> None:
    tokenizer = with_template(template, tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    expected = theirs.apply_chat_template([vars(m) for m in talk], tokenize=False, add_generation_prompt=answer)
    assert chat_text(tokenizer, talk, answer=answer) == expected


def test_it_survives_being_saved_here(tmp_path: Path) -> None:
    with_template(MARKED, tmp_path / "theirs").save(tmp_path / "ours")
    assert AutoTokenizer.from_pretrained(tmp_path / "ours").chat_template == MARKED


def test_what_a_template_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match="begin with the user"):
        chat_text(with_template(STRICT, tmp_path), TALKS[1])


def test_a_template_reaches_nothing_outside(tmp_path: Path) -> None:
    escape = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(LearnerError, match="unsafe"):
        chat_text(with_template(escape, tmp_path), TALKS[0])


def test_without_a_template_there_is_no_chat() -> None:
    with pytest.raises(LearnerError) as error:
        chat_text(train_tokenizer("char", "ab"), TALKS[0])
    assert error.value.phrase == "text.chat_none"
