"""BERT's two tasks (Devlin et al. 2019, §3.1): name the tokens that were masked, and say whether the second sentence of
a pair follows the first. What is shown, measured and compared is the loss on masked tokens.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.models.evaluating import evaluating
from llmlab.models.ngram import uniform_loss, unigram_loss
from llmlab.text.masked_pairs import Marks, MaskedPairs
from llmlab.text.masking import UNASKED
from llmlab.text.tokenizer import Tokenizer
from llmlab.training.config import TrainConfig
from llmlab.training.evaluation import BATCH_TOKENS
from llmlab.training.objective import MOST_TRAINING_TOKENS, Batches, Measured
from llmlab.training.preparation import Prepared

SHOWN_EXAMPLES = 3
VALIDATION_SEED = 0
"""Of the masks in the held-out text: every measurement of every run asks the same."""


class MaskedToken:
    """Predict masked tokens from both sides, and whether a sentence follows another."""

    def batches(self, data: Prepared, config: TrainConfig) -> Batches:
        starts = data.sentence_starts
        return _pairs(data, data.train_ids, starts, config.context, config.batch, config.seed)

    def loss(self, model: Model, tokenizer: Tokenizer) -> nn.Module:
        return MaskedTokenLoss(model, marks(tokenizer).pad)

    def predicted(self, *batch: Tensor) -> Tensor:
        _, _, labels, _ = batch
        return (labels != UNASKED).sum().float()

    def blank(self, context: int, device: torch.device) -> tuple[Tensor, ...]:
        ids = torch.zeros((1, context), dtype=torch.long, device=device)
        return ids, ids, ids, ids[:, 0]

    def validation(self, data: Prepared, config: TrainConfig) -> Measured:
        return MaskedValidation(_held_out(data, config.context), marks(data.tokenizer).pad, config)

    def sample(self, model: Model, data: Prepared, config: TrainConfig) -> dict[str, str]:
        return {"prompt": "", "text": filled_in(model, data, config.context)}

    def references(self, data: Prepared, write: Callable[[dict[str, Any]], None]) -> None:
        """Guessing blindly, and always by how frequent each token is, on the masked tokens of the held-out text.

        Counting n-grams and the entropy of the *Tales* are about the next token: they say nothing of a masked one.
        """
        pairs = _held_out(data, data.about["context"])
        labels = pairs.batch(np.arange(min(len(pairs), 4000)))[2]
        counted = data.train_ids[-MOST_TRAINING_TOKENS:]
        vocab_size = data.tokenizer.vocab_size
        unigram = unigram_loss(counted, labels[labels != UNASKED], vocab_size)
        write({"uniform": uniform_loss(vocab_size), "unigram": unigram, "kneser_ney": None, "floor": None})


class MaskedTokenLoss(nn.Module):
    """A BERT together with both its tasks."""

    def __init__(self, model: Model, pad_id: int) -> None:
        super().__init__()
        self.model, self.pad_id = model, pad_id

    def forward(
        self, ids: Tensor, segments: Tensor, labels: Tensor, follows: Tensor, predicted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """ids, segments, labels (batch, context), follows (batch,): the mean losses added; that of masked tokens.

        Each masked token counts 1/`predicted`, so that those of a batch with fewer do not weigh more.
        """
        asked = labels != UNASKED
        output = self.model(ids, (ids != self.pad_id).long(), token_type_ids=segments, only=asked)
        masked = F.cross_entropy(output.logits, labels[asked], reduction="sum") / predicted
        if output.nsp_logits is None:
            return masked, masked.detach()
        return masked + F.cross_entropy(output.nsp_logits.float(), follows), masked.detach()


class MaskedValidation:
    """Measures a BERT on masked tokens of the held-out text: always the same ones, behind the same masks."""

    def __init__(self, pairs: MaskedPairs, pad_id: int, config: TrainConfig) -> None:
        self._pairs, self._pad_id, self._context = pairs, pad_id, config.context
        self._steering = self._spread(config.eval_tokens)
        self.tokens_per_second: float | None = None
        self.details: dict[str, float] = {}

    def steering_loss(self, model: Model) -> float:
        """Nats per masked token over examples spread evenly over the text; and how often the next sentence was told."""
        began = time.perf_counter()
        loss, accuracy = self._loss_at(self._steering, model)
        self.tokens_per_second = len(self._steering) * self._context / (time.perf_counter() - began)
        self.details = {} if accuracy is None else {"next_sentence_accuracy": accuracy}
        return loss

    def spread_loss(self, model: Model, n_tokens: int) -> tuple[float, float]:
        """The same over about so many tokens; and the share of the validation text that these are."""
        chosen = self._spread(n_tokens)
        return self._loss_at(chosen, model)[0], len(chosen) / len(self._pairs)

    def whole_loss(self, model: Model, beat: Callable[[], None]) -> float:
        """Nats per masked token over all of the validation text."""
        return self._loss_at(np.arange(len(self._pairs)), model, beat)[0]

    def whole_seconds(self) -> float:
        """How long `whole_loss` will take, going by the last measurement."""
        return len(self._pairs) * self._context / self.tokens_per_second if self.tokens_per_second else 0.0

    def _spread(self, n_tokens: int) -> np.ndarray:
        count = min(len(self._pairs), max(1, n_tokens // self._context))
        return np.linspace(0, len(self._pairs) - 1, count).round().astype(np.int64)

    def _loss_at(
        self, chosen: np.ndarray, model: Model, beat: Callable[[], None] = lambda: None
    ) -> tuple[float, float | None]:
        device = next(model.parameters()).device
        size = max(1, BATCH_TOKENS // self._context)
        total, asked, right = 0.0, 0, 0.0
        nsp = False
        with evaluating(model), torch.inference_mode():
            for first in range(0, len(chosen), size):
                batch = self._pairs.batch(chosen[first : first + size])
                ids, segments, labels, follows = (torch.from_numpy(part).to(device) for part in batch)
                where = labels != UNASKED
                output = model(ids, (ids != self._pad_id).long(), token_type_ids=segments, only=where)
                total += float(F.cross_entropy(output.logits, labels[where], reduction="sum"))
                asked += int(where.sum())
                nsp = output.nsp_logits is not None
                right += float((output.nsp_logits.argmax(-1) == follows).sum()) if nsp else 0.0
                beat()
        return total / asked, right / len(chosen) if nsp else None


def marks(tokenizer: Tokenizer) -> Marks:
    """The special tokens of a BERT's tokenizer. Raises LearnerError for a tokenizer without them."""
    ids = {name: getattr(tokenizer, f"{name}_id") for name in ("cls", "sep", "mask", "pad")}
    if None in ids.values():
        raise LearnerError("training.no_mask_token")
    others = np.setdiff1d(np.arange(tokenizer.vocab_size), [*ids.values(), *tokenizer.special_ids])
    return Marks(**ids, others=others)


def filled_in(model: Model, data: Prepared, context: int) -> str:
    """A few held-out examples, each masked token replaced by the model's first choice: [guess] where it is right,
    [guess ≠ truth] where it is not.
    """
    pairs = _held_out(data, context)
    ids, segments, labels, _ = pairs.batch(np.linspace(0, len(pairs) - 1, SHOWN_EXAMPLES).round().astype(np.int64))
    pad = marks(data.tokenizer).pad
    device = next(model.parameters()).device
    with evaluating(model), torch.inference_mode():
        told = (torch.from_numpy(part).to(device) for part in (ids, (ids != pad).astype(np.int64), segments))
        read, mask, types = told
        guesses = model(read, mask, token_type_ids=types).logits.argmax(-1).cpu().numpy()
    return "\n\n".join(_written(data.tokenizer, *row) for row in zip(ids, labels, guesses, strict=True))


def _written(tokenizer: Tokenizer, ids: np.ndarray, labels: np.ndarray, guesses: np.ndarray) -> str:
    words: list[str] = []
    first = ids[1 : int(np.flatnonzero(ids == tokenizer.sep_id)[0])]  # the first sentences are enough to see
    for i, label, guess in zip(first, labels[1:], guesses[1:], strict=False):
        shown = tokenizer.token_texts([i])[0]
        if label != UNASKED:
            said, truth = tokenizer.token_texts([guess, label])
            shown = f"[{said}]" if guess == label else f"[{said} ≠ {truth}]"
        if shown.startswith("##") and words:
            words[-1] += shown[2:]
        else:
            words.append(shown)
    return " ".join(words)


def _held_out(data: Prepared, context: int) -> MaskedPairs:
    starts = data.sentence_starts - len(data.train_ids)
    return _pairs(data, data.val_ids, starts, context, 1, VALIDATION_SEED)


def _pairs(data: Prepared, ids: np.ndarray, starts: np.ndarray, context: int, batch: int, seed: int) -> MaskedPairs:
    here = starts[(starts >= 0) & (starts < len(ids))]
    return MaskedPairs(ids, here, marks(data.tokenizer), context_length=context, batch_size=batch, seed=seed)
