"""How a model reads its text during decoding: where it begins, which window it sees, and with which cache.

A model sees at most `context_length` tokens. When the window is full it slides: the model reads the last half of the
context again, as if the text began there, and continues with room for the other half. Reading again costs one forward
pass per half context, and positions never leave the range on which the model was trained. Cached and uncached decoding
see the same windows and therefore compute the same logits.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.generation.captured_step import CapturedStep
from llmlab.generation.numpy_step import NumpyStep, can_step
from llmlab.models.gpt import GPT
from llmlab.models.plain import is_plain
from llmlab.nn.kv_cache import KVCache
from llmlab.text.tokenizer import Tokenizer


def prompt_ids(tokenizer: Tokenizer, prompt: str | Sequence[int]) -> list[int]:
    """The token ids of a prompt: never none. Token ids pass through, so that a text can be continued from any token.

    A text begins with the special tokens with which its tokenizer begins one, as in transformers. Where that leaves an
    empty prompt without any token, it starts where texts start: after the end-of-text token if the tokenizer has one,
    else after a newline, else after a space, else after token 0. Raises LearnerError naming the characters that are
    lacking.
    """
    ids = [*tokenizer.opening_ids, *tokenizer.encode(prompt)] if isinstance(prompt, str) else [*prompt]
    return ids or _start(tokenizer)


def _start(tokenizer: Tokenizer) -> list[int]:
    if tokenizer.eos_id is not None:
        return [tokenizer.eos_id]
    for start in ("\n", " "):
        if not tokenizer.missing(start) and (ids := tokenizer.encode(start)):
            return ids
    return [0]


def _one_token(model: GPT, cache: KVCache) -> Callable[[int], Tensor] | None:
    """The fastest way to read one token more; None where there is none but the model's forward."""
    if can_step(model):
        step = NumpyStep(model, cache)
        return lambda token_id: torch.from_numpy(step(token_id))
    if is_plain(model) and next(model.parameters()).device.type == "cuda":
        captured = CapturedStep(model, cache)
        return lambda token_id: captured(token_id).float().cpu()
    return None


class Reader:
    """Gives the logits after a growing text, reading each new token once when it has a cache."""

    def __init__(self, model: GPT, *, longest: int, use_cache: bool = True) -> None:
        """`longest` is the most tokens that will be read; the cache takes memory for these, or for one context."""
        self._model = model
        self._device = next(model.parameters()).device
        self._context_length = model.config.context_length
        self._cache = model.new_cache(1, longest) if use_cache else None
        self._step = _one_token(model, self._cache) if self._cache is not None else None
        self._start: int | None = None

    @torch.inference_mode()
    def next_logits(self, ids: Sequence[int]) -> Float[Tensor, " vocab"]:
        """Logits of the token after `ids`, float32 on the CPU. Between calls `ids` only grows at its end."""
        start = first = self._window_start(len(ids))
        if self._cache is not None:
            if first != self._start:
                self._cache.truncate(0)
            first += self._cache.length
        self._start = start
        if self._step is not None and first == len(ids) - 1:
            return self._step(ids[first])
        unread = torch.tensor([ids[first:]], device=self._device)  # (1, seq)
        logits: Tensor = self._model(unread, cache=self._cache).logits  # (1, seq, vocab)
        return logits[0, -1].float().cpu()

    def _window_start(self, length: int) -> int:
        if self._start is None:
            return max(0, length - self._context_length)
        if length - self._start > self._context_length:
            return length - max(1, self._context_length // 2)
        return self._start
