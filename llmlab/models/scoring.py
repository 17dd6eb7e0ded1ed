"""How well a language model predicts a text: nats per token, perplexity, and bits per character, which alone can be
compared between models with different tokenizers.

A text is cut into windows of the context that do not overlap. In each the model predicts every token from those before
it in the window, so that each token of the text but the first is predicted exactly once.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.models.evaluating import evaluating
from llmlab.models.forward_in_place import ForwardInPlace, can_read_in_place
from llmlab.models.gpt import GPT
from llmlab.models.ngram import NGram

IN_CACHE = 3 << 18
"""Numbers of one layer's widest result that a processor's cache holds beside the rest: 3 MB of float32."""

_FIRST_CHARACTERS = 4096  # enough to see where the first token ends, without the offsets of a whole book

_LOGITS = 100_000_000  # most numbers of logits at once: 0.4 GB


@runtime_checkable
class TextTokenizer(Protocol):
    """What scoring asks of a tokenizer."""

    def encode_array(self, text: str) -> np.ndarray: ...

    def offsets(self, text: str) -> list[tuple[int, int]]: ...

    def require(self, text: str) -> None: ...


@dataclass(frozen=True)
class Score:
    """A model's score on a text. The first token has nothing before it, so it is neither predicted nor counted."""

    tokens: int
    """Predicted tokens."""
    characters: int
    """Characters that the predicted tokens cover."""
    loss_per_token: float
    """Mean cross-entropy in nats per predicted token."""
    perplexity: float
    """e to the loss: as unsure as between so many equally likely tokens. Depends on the tokenizer."""
    bits_per_character: float
    """Cross-entropy in bits per character. Does not depend on the tokenizer."""


def validation_loss(
    model: Model, ids: np.ndarray | Tensor, *, context_length: int | None = None, batch_size: int = 64
) -> float:
    """Mean nats per token over all of `ids` (one-dimensional, at least two), in windows of `context_length`.

    Window i reads ids[iT : (i+1)T] and predicts ids[iT+1 : (i+1)T+1]; the last, shorter one counts by its tokens.
    At most `batch_size` windows are read at once, on a CPU no more than its cache holds.
    The model is put into eval mode for the time, and back.
    """
    context_length = context_length or model.config.context_length
    predicted = len(ids) - 1
    if predicted < 1:
        raise LearnerError("model.nothing_to_score", tokens=len(ids))
    device = next(model.parameters()).device
    if device.type == "cpu":
        widest = max(model.config.d_ff, model.config.vocab_size)
        batch_size = min(batch_size, max(1, IN_CACHE // (widest * context_length)))
    total = 0.0
    with evaluating(model), torch.inference_mode():
        fitting = max(1, min(batch_size, _LOGITS // (context_length * model.config.vocab_size)))
        read = _forward(model, min(context_length, predicted), min(fitting, max(1, predicted // context_length)))
        for x, y in _windows(ids, context_length, fitting):
            for logits, targets in _pieces(model, read, x.to(device), y.to(device)):
                # in float64, since hundreds of thousands of terms are added
                total += (
                    F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").double().sum().item()
                )
    return total / predicted


def _forward(model: Model, seq: int, batch: int) -> Callable[[Tensor], Tensor]:
    """The fastest way to the logits of whole windows."""
    if can_read_in_place(model) and seq <= model.config.context_length and _piece(model, batch) >= seq:
        return ForwardInPlace(model, tokens=batch * seq)
    return lambda x: model(x).logits


def _piece(model: Model, batch: int) -> int:
    """So many tokens of each window are read at once."""
    return max(1, _LOGITS // (batch * model.config.vocab_size))


def _pieces(model: Model, read: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits and targets; of a window whose logits would fill the memory, one piece after the other."""
    seq = x.shape[1]
    step = _piece(model, len(x))
    if step >= seq or not isinstance(model, GPT):
        yield read(x), y
        return
    cache = model.new_cache(len(x), seq)
    for start in range(0, seq, step):
        yield model(x[:, start : start + step], cache=cache).logits, y[:, start : start + step]


def score_text(model: GPT | NGram, tokenizer: TextTokenizer, text: str, *, batch_size: int = 64) -> Score:
    """Score a text. Raises LearnerError if the tokenizer lacks some of its characters, or for fewer than two tokens."""
    tokenizer.require(text)
    ids = tokenizer.encode_array(text)
    if len(ids) < 2:
        raise LearnerError("model.nothing_to_score", tokens=len(ids))
    if isinstance(model, NGram):
        with np.errstate(divide="ignore"):
            loss = float(-np.log(model.probabilities(ids)[1:]).mean())
    else:
        loss = validation_loss(model, ids, batch_size=batch_size)
    tokens = len(ids) - 1
    characters = _characters_after_first_token(tokenizer, text)
    return Score(
        tokens=tokens,
        characters=characters,
        loss_per_token=loss,
        perplexity=math.exp(loss) if loss < 700 else math.inf,
        bits_per_character=loss * tokens / max(characters, 1) / math.log(2),
    )


def token_losses(model: GPT, tokenizer: TextTokenizer, text: str) -> list[float]:
    """The surprise at each token but the first, in nats; their mean is the loss of `score_text`."""
    tokenizer.require(text)
    ids = tokenizer.encode_array(text)
    if len(ids) < 2:
        raise LearnerError("model.nothing_to_score", tokens=len(ids))
    device = next(model.parameters()).device
    found: list[float] = []
    with evaluating(model), torch.inference_mode():
        for x, y in _windows(ids, model.config.context_length, 1):
            logits = model(x.to(device)).logits[0].float()
            found += F.cross_entropy(logits, y[0].to(device), reduction="none").tolist()
    return found


def bits_per_character(model: GPT | NGram, tokenizer: TextTokenizer, text: str) -> float:
    """Cross-entropy of a text in bits per character: the number by which any two models can be compared."""
    return score_text(model, tokenizer, text).bits_per_character


def _characters_after_first_token(tokenizer: TextTokenizer, text: str) -> int:
    spans = tokenizer.offsets(text[:_FIRST_CHARACTERS])
    # the second token may begin inside the first one's character (bytes), or leave out the space between them
    first_end = min(spans[0][1], spans[1][0]) if len(spans) > 1 else spans[0][1]
    return len(text) - first_end


def _windows(ids: np.ndarray | Tensor, context: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of whole windows, then what is left as a batch of one, so that nothing needs padding."""
    predicted = len(ids) - 1
    whole = predicted // context
    for first in range(0, whole, batch_size):
        count = min(batch_size, whole - first)
        start = first * context
        piece = torch.as_tensor(np.asarray(ids[start : start + count * context + 1]).astype(np.int64))
        yield piece[:-1].view(count, context), piece[1:].view(count, context)
    if predicted % context:
        piece = torch.as_tensor(np.asarray(ids[whole * context :]).astype(np.int64))
        yield piece[None, :-1], piece[None, 1:]
