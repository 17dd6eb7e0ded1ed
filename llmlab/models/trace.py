"""A trace is what a forward pass left behind: every tensor between the token ids and the logits, under a name, with the
formula that made it. Whoever draws or explains a model reads traces, never the model's insides.

    trace = trace(model, input_ids)
    trace.layers[2].attention.weights      # a tensor, (batch, head, query, key)
    trace["layers.2.attention.weights"]    # the same with its name, axes and formula
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int
from torch import Tensor

from llmlab.i18n import LearnerError
from llmlab.models.build import Model


@dataclass(frozen=True)
class Entry:
    """One recorded tensor."""

    name: str
    """Its path, "layers.2.attention.weights"."""
    value: Tensor
    axes: tuple[str, ...]
    """What each dimension counts, ("batch", "head", "query", "key")."""
    formula: str
    """LaTeX of how it was computed."""

    @property
    def shape(self) -> dict[str, int]:
        """Axis to size, in order."""
        return dict(zip(self.axes, self.value.shape, strict=True))


class Section:
    """The entries under one name, read as attributes: `section.weights` is the tensor `….weights`.

    An attribute that this model does not have (`q_rotated` where positions are learned) raises AttributeError;
    `"q_rotated" in section` asks first.
    """

    def __init__(self, entries: dict[str, Entry], path: str) -> None:
        self._entries = entries
        self._path = path

    def __getattr__(self, name: str) -> Tensor:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._entries[f"{self._path}.{name}"].value
        except KeyError:
            known = ", ".join(self)
            raise AttributeError(f"this trace has no {self._path}.{name}; it has {known}") from None

    def __contains__(self, name: str) -> bool:
        return f"{self._path}.{name}" in self._entries

    def __iter__(self) -> Iterator[str]:
        prefix = self._path + "."
        return (name.removeprefix(prefix) for name in self._entries if name.startswith(prefix))

    def __dir__(self) -> list[str]:
        return [*self]


class AttentionSection(Section):
    """residual_before, [normed,] q, k, v, [q_normed, k_normed,] [q_rotated, k_rotated,] scores, masked_scores, weights,
    head_outputs, output, [added,] residual_after. Keys and values have n_kv_heads heads, all else n_heads.

    A decoder's layer reads `normed`; BERT's reads the stream itself, and norms it after what was `added`.
    """

    @property
    def query(self) -> Tensor:
        """The queries as they meet the keys, after norm and rotation if any: (batch, head, seq, head_dim)."""
        return self._last("q")

    @property
    def key(self) -> Tensor:
        """The keys as they meet the queries: (batch, kv_head, seq, head_dim)."""
        return self._last("k")

    def _last(self, letter: str) -> Tensor:
        names = (f"{letter}_rotated", f"{letter}_normed", letter)
        return getattr(self, next(name for name in names if name in self))  # type: ignore[no-any-return]


class FeedForwardSection(Section):
    """residual_before, [normed,] then hidden (gpt2, bert) or gate and up (gpt), activation, output, [added,]
    residual_after.
    """


@dataclass(frozen=True)
class LayerTrace:
    attention: AttentionSection
    feed_forward: FeedForwardSection


class Trace(Section):
    """What one forward pass left.

    GPT: token_embedding, [position_embedding,] embedding, the layers, final_norm, logits. BERT: token_embedding,
    position_embedding, segment_embedding, added_embedding, embedding, the layers, and what its heads made of them:
    [pooled, nsp_logits,] [mlm_head.hidden, mlm_head.activation, mlm_head.normed, logits].
    """

    def __init__(
        self,
        model: Model,
        input_ids: Tensor,
        entries: dict[str, Entry],
        *,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> None:
        super().__init__(entries, "")
        self._model = model
        self.input_ids, self.attention_mask, self.token_type_ids = input_ids, attention_mask, token_type_ids
        self.layers = [
            LayerTrace(
                AttentionSection(entries, f"layers.{index}.attention"),
                FeedForwardSection(entries, f"layers.{index}.feed_forward"),
            )
            for index in range(model.config.n_layers)
        ]

    def __getattr__(self, name: str) -> Tensor:
        if name in self._entries:
            return self._entries[name].value
        raise AttributeError(f"this trace has no {name}")

    def __getitem__(self, name: str) -> Entry:
        """The entry of a full name. Raises KeyError for a name that this model does not have."""
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @property
    def stream(self) -> list[Tensor]:
        """The residual stream before the first layer and after each: layers + 1 tensors (batch, seq, d_model)."""
        return [self.embedding, *(layer.feed_forward.residual_after for layer in self.layers)]

    @cached_property
    def logits_per_layer(self) -> Tensor:
        """What the head would say after each layer (the logit lens, nostalgebraist 2020): (layer, batch, seq, vocab).

        Index 0 reads the embedding, index i the stream after layer i; the last is `logits`. Computed when first asked
        for, with the weights that the model has then. Raises LearnerError for a model that has no head to read with.
        """
        if "logits" not in self:
            raise LearnerError("model.no_head")
        with torch.no_grad():
            return torch.stack([logits for x in self.stream if (logits := self._model.read_out(x)) is not None])


class _Recorder:
    """The `Record` hook that fills a dictionary."""

    def __init__(self, entries: dict[str, Entry], path: str = "") -> None:
        self.entries, self.path = entries, path

    def __call__(self, name: str, value: Tensor, axes: str, formula: str) -> None:
        name = self.path + name
        self.entries[name] = Entry(name, value.detach(), tuple(axes.split()), formula)

    def within(self, name: str) -> "_Recorder":
        return _Recorder(self.entries, f"{self.path}{name}.")


def trace(
    model: Model,
    input_ids: Int[Tensor, "batch seq"],
    attention_mask: Int[Tensor, "batch seq"] | None = None,
    *,
    token_type_ids: Int[Tensor, "batch seq"] | None = None,
) -> Trace:
    """Run the model once, in eval mode and without gradients, and keep everything.

    `attention_mask` is 1 for tokens, 0 for padding; `token_type_ids` number the segments (BERT only).
    Raises what the model's `forward` raises.
    """
    entries: dict[str, Entry] = {}
    segments = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(input_ids, attention_mask, **segments, record=_Recorder(entries))
    finally:
        model.train(was_training)
    return Trace(model, input_ids, entries, attention_mask=attention_mask, **segments)
