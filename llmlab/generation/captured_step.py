"""One token through a GPT as a CUDA graph: the whole step is recorded once and then started by a single call, because a
GPU is done with one token sooner than Python has named the operations.

A recording repeats its operations on the same memory with the same shapes. So position and token lie in tensors, each
step attends over the whole cache, and a mask hides the places that are not filled yet.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.models.gpt import GPT
from llmlab.nn.kv_cache import KVCache, LayerCache


class CapturedStep:
    """Reads one more token and gives the logits after it, as `model(token, cache=cache)` does in eval mode.

    Recorded at the first call where the model is on a GPU; elsewhere the same operations run one by one.
    """

    def __init__(self, model: GPT, cache: KVCache) -> None:
        device = model.token_embedding.weight.device
        self._model, self._cache = model, cache
        self._token = torch.zeros(1, 1, dtype=torch.long, device=device)
        self._position = torch.zeros(1, dtype=torch.long, device=device)
        self._places = torch.arange(cache.max_length, device=device)
        self._layers = [_WholeLayer(layer, self._position) for layer in cache.layers]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits: Tensor | None = None

    @torch.inference_mode()
    def __call__(self, token_id: int) -> Float[Tensor, " vocab"]:
        """Logits of the token after `token_id`, which is added to the cache; they are overwritten by the next call."""
        self._cache.check_room(1)
        self._token.fill_(token_id)
        self._position.fill_(self._cache.length)
        if self._token.device.type != "cuda":
            self._logits = self._operations()
        elif self._graph is None:
            self._record()
        if self._graph is not None:
            self._graph.replay()
        for layer in self._cache.layers:
            layer.length += 1
        assert self._logits is not None
        return self._logits[0, 0]

    def _record(self) -> None:
        """Run the operations for their side effects in libraries, as PyTorch asks before recording, then record."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                self._operations()  # writes the same keys and values to the same place each time
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):  # others may use the GPU meanwhile
            self._logits = self._operations()

    def _operations(self) -> Tensor:
        model = self._model
        x: Tensor = model.token_embedding(self._token)  # (1, 1, d_model)
        rotation = None
        if model.position_embedding is not None:
            x = x + model.position_embedding(self._position)
        if model.rotary is not None:
            cos, sin = model.rotary.cos[self._position], model.rotary.sin[self._position]
            rotation = cos.to(x.dtype), sin.to(x.dtype)  # (1, head_dim / 2) each
        filled = (self._places <= self._position)[None, None, None]  # (1, 1, 1, max_length)
        for block, layer in zip(model.blocks, self._layers, strict=True):
            x = block(x, rotation=rotation, mask=filled, cache=layer)
        return model.read_out(x)


class _WholeLayer(LayerCache):
    """The memory of a layer's cache, written at a position that is a tensor, and read whole."""

    def __init__(self, layer: LayerCache, position: Tensor) -> None:
        super().__init__(layer.keys, layer.values)
        self._position = position

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        self.keys.index_copy_(2, self._position, k)
        self.values.index_copy_(2, self._position, v)
        return self.keys, self.values
