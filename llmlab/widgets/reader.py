"""What the Start widget shows: the tokens of a sentence, the next token's distribution, one attention head.

Everything is read from one trace, so that the three always belong to the same forward pass.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from llmlab.generation import SamplingConfig, stream
from llmlab.generation.reading import prompt_ids
from llmlab.i18n import Language, LearnerError
from llmlab.models.gpt import GPT
from llmlab.models.trace import Trace, trace
from llmlab.text.tokenizer import Tokenizer
from llmlab.widgets import answered, labels

BARS = 10
"""How many candidates are listed."""
SHOWN = 80
"""How many of the last tokens are drawn, with their attention among each other."""
CONTINUATION = 24
"""How many tokens "sample" writes."""


class Reader:
    """Answers the `reader` widget for one model."""

    def __init__(self, model: GPT, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._sharpest: tuple[int, int] | None = None

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for what the widget asks: `text`, `temperature`, `layer`, `head` (-1: pick), `sample`.

        A person's mistake comes back as `error`, in the reader's language, beside nothing else.
        """
        return answered(ask, language, lambda: self._answer(ask))

    def _answer(self, ask: Mapping[str, Any]) -> dict[str, Any]:
        text, temperature = str(ask["text"]), float(ask.get("temperature", 1.0))
        if not text:
            raise LearnerError("widgets.reader_empty")
        self.tokenizer.require(text)
        written = 0
        if ask.get("sample"):
            sampling = SamplingConfig(temperature=temperature, seed=int(ask.get("nonce", 0)))
            steps = list(stream(self.model, self.tokenizer, text, max_new_tokens=CONTINUATION, sampling=sampling))
            text += "".join(step.text for step in steps)
            written = len(steps)
        ids = prompt_ids(self.tokenizer, text)
        seen = ids[-self.model.config.context_length :]
        left = trace(self.model, torch.tensor([seen]))
        layer, head = self._head(left, int(ask.get("layer", -1)), int(ask.get("head", -1)))
        drawn = seen[-SHOWN:]
        return {
            "text": text,
            "written": min(written, len(drawn)),
            "count": len(ids),
            "hidden": len(ids) - len(drawn),
            "tokens": self.tokenizer.token_texts(drawn),
            **self._expected(left.logits[0, -1], temperature),
            "layer": layer,
            "head": head,
            "layers": self.model.config.n_layers,
            "heads": self.model.config.n_heads,
            "attention": _triangle(left.layers[layer].attention.weights[0, head], len(drawn)),
        }

    def _expected(self, logits: torch.Tensor, temperature: float) -> dict[str, Any]:
        """The most likely next tokens at a temperature; 0 puts everything on the first."""
        if temperature > 0:
            probabilities = (logits.double() / temperature).softmax(-1)
        else:
            probabilities = torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
        top = probabilities.topk(min(BARS, len(probabilities)))
        ids = top.indices.tolist()
        bars = [
            {"shown": shown, "text": _appendable(self.tokenizer.decode([i])), "probability": p}
            for i, shown, p in zip(ids, self.tokenizer.token_texts(ids), top.values.tolist(), strict=True)
        ]
        return {
            "bars": bars,
            "rest": max(0.0, 1.0 - float(top.values.sum())),
            "rest_count": len(probabilities) - len(ids),
        }

    def _head(self, left: Trace, layer: int, head: int) -> tuple[int, int]:
        """The head asked for, else the one that looks most decidedly at a single earlier token."""
        config = self.model.config
        if 0 <= layer < config.n_layers and 0 <= head < config.n_heads:
            return layer, head
        if self._sharpest is None:
            sharpness = [
                (float(w.tril(-1)[:, 1:].amax(-1).mean()) if len(w) > 2 else 0.0, layer, head)
                for layer in range(config.n_layers)
                for head, w in enumerate(left.layers[layer].attention.weights[0])
            ]
            self._sharpest = max(sharpness)[1:]
        return self._sharpest


def show(model: GPT, tokenizer: Tokenizer, text: str, *, language: Language = "en") -> Any:
    """The live widget in a notebook."""
    from llmlab.widgets.jupyter import host

    reader = Reader(model, tokenizer)
    ask = {"text": text, "temperature": 1.0}
    state = {
        "text": text,
        "temperature": 1.0,
        "labels": labels("reader", language),
        "answer": reader.answer(ask, language),
    }
    return host("reader", state, lambda asked: reader.answer(asked, language))


def _appendable(text: str) -> str | None:
    return None if not text or "�" in text else text


def _triangle(weights: torch.Tensor, n: int) -> str:
    """The lower triangle of the last n rows and columns, row after row, as base64 of little-endian float32."""
    square = weights[-n:, -n:].float().cpu().numpy()
    return base64.b64encode(square[np.tril_indices(n)].astype("<f4").tobytes()).decode("ascii")
