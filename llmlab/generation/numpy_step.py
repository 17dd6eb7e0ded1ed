"""One token through a GPT in numpy, on the model's own memory.

For one token each operation takes less time than PyTorch needs to call it, so that a small model spends most of a step
in calls. numpy calls cost a third, and its product of a matrix and a vector reads memory at nearly full speed, so that
large models gain too. Nothing is copied: weights, keys and values are the tensors of the model and of its cache.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from llmlab.models.gpt import GPT
from llmlab.models.plain import is_plain
from llmlab.nn.attention import Attention
from llmlab.nn.block import Block
from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU
from llmlab.nn.int8 import Int8Linear
from llmlab.nn.kv_cache import KVCache, LayerCache
from llmlab.nn.norms import RMSNorm
from llmlab.nn.positions import RotaryTable

Vector: TypeAlias = np.ndarray
Turn: TypeAlias = tuple[Vector, Vector]
Map: TypeAlias = Callable[[Vector], Vector]
Mix: TypeAlias = Callable[[Vector, int, Turn | None], Vector]


def can_step(model: GPT) -> bool:
    """Whether `NumpyStep` computes what the model would: float32 on the CPU, and only parts that it knows, unhooked."""
    on_cpu = all(p.device.type == "cpu" and p.dtype == torch.float32 for p in model.parameters())
    return on_cpu and is_plain(model)


class NumpyStep:
    """Reads one more token and gives the logits after it, as `model(token, cache=cache)` does in eval mode."""

    def __init__(self, model: GPT, cache: KVCache) -> None:
        """The cache is for one sequence; forward passes and steps may take turns in filling it."""
        self._cache = cache
        self._embeddings = _array(model.token_embedding.weight)
        self._positions = _array(model.position_embedding.weight) if model.position_embedding is not None else None
        self._turns = _turns(model.rotary) if model.rotary is not None else None
        self._layers: list[tuple[Map, Mix, Map, Map]] = []
        for block, layer_cache in zip(model.blocks, cache.layers, strict=True):
            assert isinstance(block, Block)
            self._layers.append(
                (
                    _norm(block.attention_norm),
                    _attention(block.attention, layer_cache),
                    _norm(block.feed_forward_norm),
                    _feed_forward(block.feed_forward),
                )
            )
        self._final_norm = _norm(model.final_norm)
        self._head = _linear(model.head)

    def __call__(self, token_id: int) -> Float[np.ndarray, " vocab"]:
        """Float32 logits of the token after `token_id`, which is added to the cache."""
        self._cache.check_room(1)
        position = self._cache.length
        x = self._embeddings[token_id].copy()
        if self._positions is not None:
            x += self._positions[position]
        turn = (self._turns[0][position], self._turns[1][position]) if self._turns is not None else None
        with np.errstate(all="ignore"):  # like torch: what is not finite shows in the logits
            for attention_norm, attention, feed_forward_norm, feed_forward in self._layers:
                x += attention(attention_norm(x), position, turn)
                x += feed_forward(feed_forward_norm(x))
            return self._head(self._final_norm(x))


def _attention(module: Attention, cache: LayerCache) -> Mix:
    heads, kv_heads, size = module.n_heads, module.n_kv_heads, module.head_dim
    query, key, value, output = map(_linear, (module.query, module.key, module.value, module.output))
    keys, values = _array(cache.keys[0]), _array(cache.values[0])  # (kv_heads, max_length, head_dim)
    norm = _head_norms(module)
    scale = np.float32(size**-0.5)

    def attend(x: Vector, position: int, turn: Turn | None) -> Vector:
        rows = norm(np.concatenate((query(x), key(x))).reshape(heads + kv_heads, size))
        if turn is not None:
            rows = _rotate(rows, turn)
        end = cache.length = position + 1
        keys[:, position] = rows[heads:]
        values[:, position] = value(x).reshape(kv_heads, size)
        rows *= scale
        grouped = rows[:heads].reshape(kv_heads, heads // kv_heads, size)  # neighbours share a key–value head
        scores = np.matmul(grouped, keys[:, :end].transpose(0, 2, 1))  # (kv_heads, group, filled)
        scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= np.add.reduce(scores, axis=-1, keepdims=True)
        return output(np.matmul(scores, values[:, :end]).reshape(heads * size))

    return attend


def _feed_forward(module: GeluFeedForward | SwiGLU) -> Map:
    up, down = _linear(module.up), _linear(module.down)
    if isinstance(module, GeluFeedForward):
        assert module.approximate == "tanh"
        return lambda x: down(_gelu(up(x)))
    gate = _linear(module.gate)

    def swiglu(x: Vector) -> Vector:
        gates = gate(x)
        gates /= 1 + np.exp(-gates)
        gates *= up(x)
        return down(gates)

    return swiglu


def _gelu(x: Vector) -> Vector:
    """GELU with its tanh approximation."""
    bent: Vector = np.tanh(x * (1 + np.float32(0.044715) * x * x) * np.float32((2 / np.pi) ** 0.5))
    bent += 1
    bent *= x
    bent *= np.float32(0.5)
    return bent


def _linear(module: nn.Linear | Int8Linear) -> Map:
    if isinstance(module, Int8Linear):
        return lambda x: module(torch.from_numpy(x)[None])[0].detach().numpy()
    times = _array(module.weight).dot
    if module.bias is None:
        return times
    bias = _array(module.bias)

    def affine(x: Vector) -> Vector:
        y: Vector = times(x)
        y += bias
        return y

    return affine


def _norm(module: RMSNorm | nn.LayerNorm) -> Map:
    gain, eps, size = _array(module.weight), module.eps, module.weight.numel()
    if isinstance(module, RMSNorm):
        return lambda x: x * np.float32((x.dot(x) / size + eps) ** -0.5) * gain
    bias = _array(module.bias) if module.bias is not None else np.float32(0)

    def layer_norm(x: Vector) -> Vector:
        centred: Vector = x - np.add.reduce(x) / size
        centred *= np.float32((centred.dot(centred) / size + eps) ** -0.5)
        centred *= gain
        centred += bias
        return centred

    return layer_norm


def _head_norms(module: Attention) -> Map:
    """RMSNorm of each row, the queries of all heads and then their keys; without QK-norm nothing."""
    if module.query_norm is None or module.key_norm is None:
        return lambda rows: rows
    gains = np.repeat(
        np.stack((_array(module.query_norm.weight), _array(module.key_norm.weight))),
        (module.n_heads, module.n_kv_heads),
        axis=0,
    )
    eps, size = module.query_norm.eps, module.head_dim

    def normed(rows: Vector) -> Vector:
        mean_square = np.vecdot(rows, rows) / size
        mean_square += eps
        rows /= np.sqrt(mean_square)[:, None]
        rows *= gains
        return rows

    return normed


def _turns(table: RotaryTable) -> Turn:
    """Cosines and signed sines that the two halves of a head are multiplied by, (context, 2, head_dim / 2) each."""
    cos, sin = _array(table.cos), _array(table.sin)
    return np.stack((cos, cos), axis=1), np.stack((-sin, sin), axis=1)


def _rotate(rows: Vector, turn: Turn) -> Vector:
    """`rotate` of all heads at once: (first, second) · cos + (second, first) · (−sin, sin)."""
    halves = rows.reshape(len(rows), 2, -1)
    turned = halves[:, ::-1] * turn[1]
    turned += halves * turn[0]
    return turned.reshape(rows.shape)


def _array(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().numpy()
    return array
