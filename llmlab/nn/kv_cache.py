"""The key–value cache: what lets a decoder read each token once while it writes.

Memory is taken once, for `max_length` positions, so that a step costs no reallocation.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.i18n import LearnerError


class LayerCache:
    """Keys and values of one layer: the first `length` of `max_length` places are filled."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys = keys  # (batch, n_kv_heads, max_length, head_dim)
        self.values = values
        self.length = 0

    def append(
        self, k: Float[Tensor, "batch kv_heads new head_dim"], v: Float[Tensor, "batch kv_heads new head_dim"]
    ) -> tuple[Float[Tensor, "batch kv_heads filled head_dim"], Float[Tensor, "batch kv_heads filled head_dim"]]:
        """Write the new keys and values after those already there; return all of them (views, not copies).

        What is kept is for reading on: no gradient flows through it.
        """
        end = self.length + k.shape[2]
        self.keys[:, :, self.length : end] = k.detach()
        self.values[:, :, self.length : end] = v.detach()
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class KVCache:
    """One `LayerCache` per layer. Made by `GPT.new_cache`; filled by passing it to the model's forward."""

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        max_length: int,
        head_dim: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.max_length = max_length
        shape = (batch, n_kv_heads, max_length, head_dim)
        self.layers = [
            LayerCache(torch.zeros(shape, dtype=dtype, device=device), torch.zeros(shape, dtype=dtype, device=device))
            for _ in range(n_layers)
        ]

    @property
    def length(self) -> int:
        """How many positions are filled."""
        return self.layers[0].length

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, filled or not."""
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self.layers)

    def truncate(self, length: int) -> None:
        """Forget every position from `length` on: go back to an earlier place in the text."""
        for layer in self.layers:
            layer.length = min(layer.length, length)

    def check_room(self, new: int) -> None:
        """Raises LearnerError if `new` more positions do not fit."""
        if self.length + new > self.max_length:
            raise LearnerError("model.cache_full", length=self.length, new=new, max_length=self.max_length)
