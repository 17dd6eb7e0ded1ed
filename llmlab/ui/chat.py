"""A conversation with a model that was tuned to answer: turns, streaming, a stop button; settings folded."""

import secrets
import time
from typing import TYPE_CHECKING

import streamlit as st

from llmlab.ui import opened
from llmlab.ui.language import say

if TYPE_CHECKING:
    from llmlab.generation.chat import Chat, Turn
    from llmlab.generation.config import SamplingConfig

AVATARS = {"user": ":material/person:", "assistant": ":material/smart_toy:"}
EXAMPLES = ("chat_example_1", "chat_example_2", "chat_example_3")
BETWEEN_PICTURES = 0.08  # seconds
TEMPERATURE = 0.2  # what the authors of SmolLM2 advise; small models lose the thread soon above it

CODE = """\
from llmlab import hub
from llmlab.generation import SamplingConfig
from llmlab.generation.chat import Chat

model, tokenizer = hub.load({folder!r})
chat = Chat(model.float(), tokenizer)
for step in chat.reply("What is a token?", max_new_tokens=200, sampling=SamplingConfig(temperature=0.2, seed=0)):
    print(step.text, end="")
"""


def conversation(chosen: opened.Choice) -> None:
    """The turns so far, and the newest answer as it is written. No fragment: a click inside one waits until it is done,
    so that Stop would not stop.
    """
    from llmlab.generation.chat import Chat

    chat = opened.companion("generate_chat", Chat, chosen)
    asked = st.session_state.pop("chat_asked", None)
    with st.container(key="chat_turns"):
        for number, turn in enumerate(chat.turns):
            if number == chat.forgotten and number:
                st.caption(say("ui_generate.chat_forgotten", n=chat.forgotten))
            _bubble(turn)
        if not chat.turns and asked is None:
            _examples(chosen)
        if asked is not None:
            _answer(chat, asked)
    # A conversation has its input below, at the edge of the window; the first question is asked beside the examples.
    place = st if chat.turns or asked is not None else st.container()
    place.chat_input(say("ui_generate.chat_ask"), key="chat_input", on_submit=_take)
    _settings(chat)
    if chat.turns:
        new = say("ui_generate.chat_new")
        st.button(new, key="chat_new", type="tertiary", icon=":material/restart_alt:", on_click=_forget)


def _take() -> None:
    st.session_state["chat_asked"] = st.session_state["chat_input"]


def _ask(text: str) -> None:
    st.session_state["chat_asked"] = text


def _forget() -> None:
    st.session_state.pop("generate_chat", None)


def _examples(chosen: opened.Choice) -> None:
    from llmlab.hub.catalogue import entries

    known = {entry.name: entry for entry in entries("model")}
    if chosen.name in known and "zh" not in known[chosen.name].languages:
        st.caption(say("ui_generate.chat_english"))
    with st.container(horizontal=True):
        for key in EXAMPLES:
            text = say(f"ui_generate.{key}")
            st.button(text, key=key, icon=":material/chat:", on_click=_ask, args=(text,))


def _bubble(turn: "Turn") -> None:
    with st.chat_message(turn.role, avatar=AVATARS[turn.role]):
        st.text(turn.text)  # as it is: what a model writes is never Markdown that could load a picture
        if turn.role == "assistant":
            _speed(turn)


def _speed(turn: "Turn") -> None:
    st.caption(say("ui_generate.chat_speed", tokens=turn.tokens, speed=f"{turn.tokens_per_second:.1f}"))


def _answer(chat: "Chat", text: str) -> None:
    """Write the answer where the eye is; any click, that on Stop too, ends it, and what was said is kept."""
    with st.chat_message("user", avatar=AVATARS["user"]):
        st.text(text)
    with st.chat_message("assistant", avatar=AVATARS["assistant"]):
        hole, below = st.empty(), st.empty()
        below.button(say("ui_generate.chat_stop"), key="chat_stop", icon=":material/stop_circle:")
        hole.caption(say("ui_generate.chat_reading"))
        steps = chat.reply(text, max_new_tokens=st.session_state.get("chat_tokens", 256), sampling=_sampling())
        turn, drawn = chat.turns[-1], 0.0
        try:
            for _ in steps:
                if time.perf_counter() - drawn > BETWEEN_PICTURES:
                    hole.text(turn.text + " ▌")
                    drawn = time.perf_counter()
        finally:
            steps.close()  # type: ignore[attr-defined]
        hole.text(turn.text)
        with below:
            _speed(turn)


def _sampling() -> "SamplingConfig":
    from llmlab.generation.config import SamplingConfig

    return SamplingConfig(
        temperature=st.session_state.get("chat_temperature", TEMPERATURE), top_p=0.95, seed=secrets.randbelow(2**31)
    )


def _settings(chat: "Chat") -> None:
    with st.expander(say("ui_generate.chat_more"), icon=":material/tune:"):
        chat.system = st.text_area(
            say("ui_generate.chat_system"),
            key="chat_system",
            placeholder=say("ui_generate.chat_system_default"),
            max_chars=2000,
            height=80,
        )
        left, right = st.columns(2)
        left.slider(say("ui_generate.chat_temperature"), 0.0, 1.5, TEMPERATURE, 0.1, key="chat_temperature")
        right.slider(say("ui_generate.chat_tokens"), 32, 1024, 256, 32, key="chat_tokens")
        st.caption(say("ui_generate.chat_reads"))
        if chat.turns:
            st.code(chat.text(), language=None, wrap_lines=True)
