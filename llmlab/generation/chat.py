"""A conversation with a model that was tuned to answer: its template writes the roles out, decoding continues that."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmlab.generation.config import SamplingConfig
from llmlab.generation.decoding import Step, stream
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.text.chat import Message, Role, chat_text
from llmlab.text.tokenizer import Tokenizer


@dataclass(kw_only=True)
class Turn:
    """What one side said, and for the model how fast."""

    role: Role
    text: str
    tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / max(self.seconds, 1e-9)


class Chat:
    """The turns so far, and the next answer.

        chat = Chat(model, tokenizer)
        for step in chat.reply("What is a token?", max_new_tokens=200):
            print(step.text, end="")

    Raises LearnerError for a tokenizer without a chat template.
    """

    def __init__(self, model: GPT, tokenizer: Tokenizer, *, system: str = "") -> None:
        """`system` says how to behave; left empty, the template may have a sentence of its own."""
        self.model, self.tokenizer, self.system = model, tokenizer, system
        self.turns: list[Turn] = []
        self.forgotten = 0
        """Turns at the beginning that no longer fit into the context."""
        chat_text(tokenizer, [Message("user", "")])

    def reply(
        self, text: str, *, max_new_tokens: int, sampling: SamplingConfig | None = None, stop: Sequence[str] = ()
    ) -> Iterator[Step]:
        """The model's answer to `text`, one Step a token. Closing the iterator stops it; what was said is kept."""
        turn, before = Turn(role="assistant", text=""), (list(self.turns), self.forgotten)
        self.turns += [Turn(role="user", text=text), turn]
        try:
            ids = self._ids(max_new_tokens)
            steps = stream(self.model, self.tokenizer, ids, max_new_tokens=max_new_tokens, sampling=sampling, stop=stop)
        except LearnerError:
            self.turns, self.forgotten = before  # what could not be read was not said
            raise
        return _kept(steps, turn)

    def text(self) -> str:
        """What the model reads before it answers the newest question."""
        head = [Message("system", self.system)] if self.system else []
        said = [Message(turn.role, turn.text) for turn in self.turns[self.forgotten : -1]]
        return chat_text(self.tokenizer, [*head, *said])

    def _ids(self, room: int) -> list[int]:
        """The conversation in tokens. The oldest questions and their answers make way where `room` would be lacking."""
        ids = self.tokenizer.encode(self.text())
        while len(ids) + room > self.model.config.context_length and self.forgotten < len(self.turns) - 2:
            self.forgotten += 2
            ids = self.tokenizer.encode(self.text())
        return ids


def _kept(steps: Iterator[Step], turn: Turn) -> Iterator[Step]:
    started = time.perf_counter()
    for step in steps:
        turn.text += step.text
        turn.tokens += 1
        turn.seconds = time.perf_counter() - started
        yield step
