"""One vector for a sentence: the mean of what an encoder says of its tokens, scaled to length 1 (Reimers & Gurevych
2019, "Sentence-BERT"). The product of two such vectors is the cosine between them.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from llmlab.models.bert import Bert


class FramingTokenizer(Protocol):
    """What is asked of a tokenizer."""

    def encode_framed(self, text: str) -> list[int]: ...


def sentence_embeddings(
    model: Bert, tokenizer: FramingTokenizer, sentences: Sequence[str], *, prefix: str = "", batch_size: int = 32
) -> Float[Tensor, "sentence d_model"]:
    """A vector of length 1 for each sentence, in float32. Longer ones than the context are read up to its end.

    `prefix` stands before each: E5 was trained with "query: " (what is asked, and sentences to compare) and "passage: "
    (what is searched); MiniLM without any.
    """
    most = model.config.context_length
    every = [_shortened(tokenizer.encode_framed(prefix + sentence), most) for sentence in sentences]
    order = sorted(range(len(every)), key=lambda i: len(every[i]))  # like lengths together need little padding
    vectors = torch.empty(len(every), model.config.d_model)
    device, was_training = model.token_embedding.weight.device, model.training
    model.eval()
    try:
        with torch.inference_mode():
            for first in range(0, len(order), batch_size):
                chosen = order[first : first + batch_size]
                ids, mask = _padded([every[i] for i in chosen])
                hidden = model(ids.to(device), mask.to(device)).hidden.float().cpu()  # (batch, seq, d_model)
                weight = mask[..., None].float()
                mean = (hidden * weight).sum(dim=1) / weight.sum(dim=1)  # (batch, d_model)
                vectors[chosen] = F.normalize(mean, dim=-1)
    finally:
        model.train(was_training)
    return vectors


def _shortened(ids: list[int], most: int) -> list[int]:
    """The beginning, and the token that ends every text."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def _padded(batch: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Ids and mask, both (batch, seq). Which id pads does not matter: nobody looks there."""
    longest = max(map(len, batch))
    ids = torch.tensor([one + [0] * (longest - len(one)) for one in batch])
    mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in batch])
    return ids, mask
