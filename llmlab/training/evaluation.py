"""Validation loss: of a fixed part of the text to steer by, and of all of it to be sure."""

import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from llmlab.models.build import Model
from llmlab.models.evaluating import evaluating
from llmlab.models.scoring import validation_loss
from llmlab.training import devices

BATCH_TOKENS = 8192
TWICE = 2.0
"""In float32 measuring takes at most so many times as long as in bfloat16."""
BATCH_LOGITS = 1 << 26  # 256 MB of float32


class Validation:
    """Measures a model on the validation text. `precision` is that of steering; the last word is said in float32.

    `tokens_per_second` is the pace of float32, going by the last `steering_loss`.
    """

    def __init__(
        self,
        ids: np.ndarray,
        *,
        context_length: int,
        vocab_size: int,
        steering_tokens: int,
        precision: str = "float32",
    ) -> None:
        self._precision = precision
        self.ids = ids
        self._context = context_length
        self._batch = max(1, min(BATCH_TOKENS, BATCH_LOGITS // vocab_size) // context_length)
        self._starts = self._spread(steering_tokens)
        self.tokens_per_second: float | None = None
        self.details: dict[str, float] = {}

    def steering_loss(self, model: Model) -> float:
        """Nats per token over some windows, spread evenly over the validation text; always the same ones."""
        began = time.perf_counter()
        loss = self._loss_at(self._starts, model, self._precision)
        pace = len(self._starts) * self._context / (time.perf_counter() - began)
        self.tokens_per_second = pace if self._precision == "float32" else pace / TWICE
        return loss

    def spread_loss(self, model: Model, n_tokens: int) -> tuple[float, float]:
        """The same over about so many tokens; and the share of the validation text that these are."""
        starts = self._spread(n_tokens)
        return self._loss_at(starts, model, "float32"), min(1.0, len(starts) * self._context / (len(self.ids) - 1))

    def _spread(self, n_tokens: int) -> np.ndarray:
        """Where as many windows begin, evenly spread."""
        n_windows = (len(self.ids) - 1) // self._context
        n_chosen = min(n_windows, max(1, n_tokens // self._context))
        return np.linspace(0, n_windows - 1, n_chosen).round().astype(np.int64) * self._context

    def _loss_at(self, starts: np.ndarray, model: Model, precision: str) -> float:
        device = next(model.parameters()).device
        total = 0.0
        with evaluating(model), torch.inference_mode(), devices.multiplying_in(precision, device):
            for first in range(0, len(starts), self._batch):
                chosen = starts[first : first + self._batch, None] + np.arange(self._context + 1)
                windows = torch.from_numpy(self.ids[chosen].astype(np.int64)).to(device)  # (windows, context + 1)
                logits = model(windows[:, :-1]).logits
                total += float(F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten(), reduction="sum"))
        return total / (len(starts) * self._context)

    def whole_loss(self, model: Model, beat: Callable[[], None]) -> float:
        """Nats per token over all of the validation text. `beat` is called about once a second on the way."""
        pace = self.tokens_per_second or 10_000.0
        part = max(1, int(pace / self._context / self._batch)) * self._batch * self._context
        total = 0.0
        for start in range(0, len(self.ids) - 1, part):
            ids = self.ids[start : start + part + 1]
            loss = validation_loss(model, ids, context_length=self._context, batch_size=self._batch)
            total += loss * (len(ids) - 1)
            beat()
        return total / (len(self.ids) - 1)

    def whole_seconds(self) -> float:
        """How long `whole_loss` will take, going by the last measurement."""
        return len(self.ids) / self.tokens_per_second if self.tokens_per_second else 0.0
