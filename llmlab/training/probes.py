"""Looks inside the model while it learns: what a few fixed sentences leave in it, at steps further and further apart.

Each is one `.npz` file in the run's `probes/`, without pickled objects:

    ids               (sentence, seq)                         int32
    attention         (layer, sentence, head, query, key)     uint8, 255 for a weight of 1
    residual          (layer + 1, sentence, seq, d_model)     float16, index 0 before the first layer
    top_ids           (layer + 1, sentence, seq, 20)          int32, what the head would say after each layer
    top_logits        (layer + 1, sentence, seq, 20)          float16
    embedding_ids     (token,)                                int32, the most frequent tokens, all where there is room
    token_embedding   (token, d_model)                        float16
"""

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from llmlab.models.build import Model
from llmlab.models.trace import trace
from llmlab.training import durable

SENTENCES = 2
LONGEST = 64
TOP = 20
EXPECTED = 16  # looks in one run: each may take this part of the room


class Probes:
    """The looks at one run. `megabytes` is the room for all of them together; without room for any, there are none."""

    def __init__(self, run: Path, model: Model, train_ids: np.ndarray, val_ids: np.ndarray, megabytes: float) -> None:
        self._folder = run / "probes"
        self._folder.mkdir(exist_ok=True)
        self._room = int(megabytes * 1e6)
        config = model.config
        room = self._room // EXPECTED
        seq = min(LONGEST, config.context_length, (len(val_ids) - 1) // SENTENCES)
        while seq > 1 and _bytes(model, seq) > room / 2:
            seq //= 2
        self._ids = torch.from_numpy(np.asarray(val_ids[: SENTENCES * seq]).astype(np.int64)).view(SENTENCES, seq)
        counts = np.bincount(np.asarray(train_ids[:1_000_000]), minlength=config.vocab_size)
        n_tokens = max(0, (room - _bytes(model, seq)) // (2 * config.d_model))
        self._tokens = np.sort(np.argsort(-counts, kind="stable")[:n_tokens]).astype(np.int32)
        self._fits = room > _bytes(model, seq)

    def take(self, step: int, model: Model) -> None:
        """Look now, unless the room is used up."""
        if not self._fits:
            return
        content = _packed(self._look(model))
        if sum(path.stat().st_size for path in self._folder.glob("step-*.npz")) + len(content) <= self._room:
            durable.write_bytes(self._folder / f"step-{step:06d}.npz", content, synced=False)

    def cut(self, step: int) -> None:
        """Forget looks past this step."""
        durable.remove_leftovers(self._folder)
        for path in self._folder.glob("step-*.npz"):
            if int(path.stem[5:]) > step:
                path.unlink()

    def _look(self, model: Model) -> dict[str, np.ndarray]:
        left = trace(model, self._ids.to(next(model.parameters()).device))
        stream = [left.embedding, *(layer.feed_forward.residual_after for layer in left.layers)]
        top = left.logits_per_layer.topk(min(TOP, model.config.vocab_size), dim=-1)
        attention = torch.stack([layer.attention.weights for layer in left.layers])
        table = model.token_embedding.weight.detach()[
            torch.from_numpy(self._tokens.astype(np.int64)).to(attention.device)
        ]
        return {
            "ids": self._ids.numpy().astype(np.int32),
            "attention": (attention * 255).round().to(torch.uint8).cpu().numpy(),
            "residual": _half(torch.stack(stream)),
            "top_ids": top.indices.int().cpu().numpy(),
            "top_logits": _half(top.values),
            "embedding_ids": self._tokens,
            "token_embedding": _half(table),
        }


def _bytes(model: Model, seq: int) -> int:
    """Size of a look without the embedding table."""
    config = model.config
    residual = (config.n_layers + 1) * seq * (2 * config.d_model + 6 * TOP)
    return SENTENCES * (config.n_layers * config.n_heads * seq * seq + residual)


def _half(values: Tensor) -> np.ndarray:
    """float16; what is too large for it becomes its largest number."""
    largest = torch.finfo(torch.float16).max
    return values.float().clamp(-largest, largest).half().cpu().numpy()


def _packed(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
