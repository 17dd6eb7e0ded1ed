"""Conversations with a tiny model: what it reads, what is kept, and what makes way."""

import pytest
import torch

from llmlab.generation.chat import Chat
from llmlab.generation.config import SamplingConfig
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

TEMPLATE = "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}a:"


@pytest.fixture
def tokenizer() -> Tokenizer:
    words = train_tokenizer("char", "abcdsu:;?")
    words.chat_template = TEMPLATE
    return words


@pytest.fixture
def model(tokenizer: Tokenizer) -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=1, context_length=40))


def test_the_model_reads_the_whole_conversation(model: GPT, tokenizer: Tokenizer) -> None:
    chat = Chat(model, tokenizer, system="b")
    first = "".join(step.text for step in chat.reply("a?", max_new_tokens=5))
    assert chat.text() == "s:b;u:a?;a:"
    assert (chat.turns[1].text, chat.turns[1].tokens) == (first, 5)
    assert chat.turns[1].tokens_per_second > 0
    list(chat.reply("c?", max_new_tokens=5))
    assert chat.text() == f"s:b;u:a?;a:{first};u:c?;a:"


def test_what_was_said_before_a_stop_is_kept(model: GPT, tokenizer: Tokenizer) -> None:
    chat = Chat(model, tokenizer)
    steps = chat.reply("a?", max_new_tokens=20, sampling=SamplingConfig(seed=1))
    said = next(steps).text + next(steps).text
    steps.close()  # type: ignore[attr-defined]
    assert chat.turns[-1].text == said
    assert chat.turns[-1].tokens == 2


def test_the_oldest_turns_make_way_and_the_system_prompt_stays(model: GPT, tokenizer: Tokenizer) -> None:
    chat = Chat(model, tokenizer, system="b")
    for _ in range(4):
        list(chat.reply("a?", max_new_tokens=6, sampling=SamplingConfig(seed=2)))
    assert chat.forgotten == 4
    assert chat.text().startswith("s:b;u:a?;")
    assert len(tokenizer.encode(chat.text())) + 6 <= model.config.context_length


def test_a_model_without_a_template_does_not_chat(model: GPT) -> None:
    with pytest.raises(LearnerError) as error:
        Chat(model, train_tokenizer("char", "abcdsu:;?"))
    assert error.value.phrase == "text.chat_none"


def test_a_question_that_cannot_be_read_is_not_said(model: GPT, tokenizer: Tokenizer) -> None:
    chat = Chat(model, tokenizer)
    with pytest.raises(LearnerError):
        chat.reply("Q", max_new_tokens=5)
    list(chat.reply("a?", max_new_tokens=5))
    assert chat.turns[0].text == "a?"
