"""Chat templates: a conversation as the one text that a model was tuned on, its roles written out between markers.

A template is a Jinja program that comes with the tokenizer. It is somebody else's, so it runs in Jinja's sandbox, with
the settings and the few functions that transformers gives it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, NoReturn

from llmlab.i18n import LearnerError
from llmlab.text.tokenizer import Tokenizer

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """What one side said."""

    role: Role
    content: str


def chat_text(tokenizer: Tokenizer, messages: Sequence[Message], *, answer: bool = True) -> str:
    """The conversation as its tokenizer's template writes it; with `answer`, up to where the model's answer begins.

    Raises LearnerError for a tokenizer without a template, and for a conversation that the template refuses.
    """
    from jinja2 import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if tokenizer.chat_template is None:
        raise LearnerError("text.chat_none")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": datetime.now().strftime}
    try:
        template = environment.from_string(tokenizer.chat_template)
        return template.render(
            messages=[asdict(message) for message in messages],
            tools=None,
            documents=None,
            add_generation_prompt=answer,
            **tokenizer.special_tokens,
        )
    except TemplateError as error:
        raise LearnerError("text.chat_refused", detail=str(error)) from error


def _json(value: Any, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, **options)


def _refuse(reason: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(reason)
