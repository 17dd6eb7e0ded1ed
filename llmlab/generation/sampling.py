"""From logits to a token: each filter written out, in the order in which `transformers` applies them.

A filter takes the logits of one position and returns them with what it forbids set to minus infinity; softmax then
shares the probability among what is left.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from llmlab.generation.config import SamplingConfig
from llmlab.i18n import LearnerError

__all__ = ["SamplingConfig", "filter_logits", "filter_steps", "kept_mask", "sample"]

FORBIDDEN = -math.inf


def penalise_repetition(
    logits: Float[Tensor, " vocab"], previous_ids: Int[Tensor, " previous"], penalty: float
) -> Float[Tensor, " vocab"]:
    """Make every token that already occurs less likely, once, however often it occurs (Keskar et al. 2019, CTRL).

    Dividing a negative logit would raise it, so those are multiplied.
    """
    seen = logits[previous_ids]
    return logits.scatter(0, previous_ids, torch.where(seen < 0, seen * penalty, seen / penalty))


def keep_most_likely(logits: Float[Tensor, " vocab"]) -> Float[Tensor, " vocab"]:
    """Greedy decoding as a filter: only the highest logit stays, the first of equals."""
    winner = logits.argmax(dim=-1, keepdim=True)
    return torch.full_like(logits, FORBIDDEN).scatter(0, winner, logits[winner])


def keep_top_k(logits: Float[Tensor, " vocab"], k: int) -> Float[Tensor, " vocab"]:
    """Keep the k highest logits, and those equal to the k-th (Fan et al. 2018)."""
    kth = torch.topk(logits, min(k, logits.shape[-1])).values[-1]
    return logits.masked_fill(logits < kth, FORBIDDEN)


def keep_top_p(logits: Float[Tensor, " vocab"], p: float) -> Float[Tensor, " vocab"]:
    """Keep the nucleus: from the most likely down, while what came before is less than p (Holtzman et al. 2020)."""
    ordered, order = logits.sort(descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1)
    mass_before = probabilities.cumsum(dim=-1) - probabilities
    outside = mass_before >= p  # never the first: nothing comes before it
    return logits.masked_fill(torch.zeros_like(outside).scatter(0, order, outside), FORBIDDEN)


def keep_min_p(logits: Float[Tensor, " vocab"], fraction: float) -> Float[Tensor, " vocab"]:
    """Keep tokens with at least this fraction of the highest probability (Nguyen et al. 2024).

    A ratio of probabilities is a difference of logits, so no softmax is needed.
    """
    return logits.masked_fill(logits < logits.max() + math.log(fraction), FORBIDDEN)


def filter_steps(
    logits: Float[Tensor, " vocab"], config: SamplingConfig, previous_ids: Sequence[int] | Int[Tensor, " previous"]
) -> Iterator[tuple[str, Float[Tensor, " vocab"]]]:
    """The logits after each filter that is switched on, by the name of its setting.

    The first two, repetition_penalty and temperature, reshape the distribution; the others cut it. At temperature 0
    nothing but `greedy` follows the repetition penalty.
    """
    if config.repetition_penalty != 1 and len(previous_ids):
        previous = torch.as_tensor(previous_ids, dtype=torch.long, device=logits.device)
        logits = penalise_repetition(logits, previous, config.repetition_penalty)
        yield "repetition_penalty", logits
    if config.temperature == 0:
        yield "greedy", keep_most_likely(logits)
        return
    if config.temperature != 1:
        logits = logits / config.temperature
        yield "temperature", logits
    if config.top_k is not None:
        logits = keep_top_k(logits, config.top_k)
        yield "top_k", logits
    if config.top_p is not None and config.top_p < 1:
        logits = keep_top_p(logits, config.top_p)
        yield "top_p", logits
    if config.min_p:
        logits = keep_min_p(logits, config.min_p)
        yield "min_p", logits


def filter_logits(
    logits: Float[Tensor, " vocab"], config: SamplingConfig, previous_ids: Sequence[int] | Int[Tensor, " previous"] = ()
) -> Float[Tensor, " vocab"]:
    """The logits from which the next token is drawn: minus infinity where a filter forbids a token.

    `previous_ids` are all tokens so far, prompt included: what the repetition penalty looks at.
    """
    steps = [logits, *(after for _, after in filter_steps(logits, config, previous_ids))]
    return steps[-1]


def kept_mask(filtered: Float[Tensor, " vocab"]) -> Bool[Tensor, " vocab"]:
    """True where a token may still be drawn."""
    return filtered > FORBIDDEN


def sample(
    logits: Float[Tensor, " vocab"],
    config: SamplingConfig,
    previous_ids: Sequence[int] | Int[Tensor, " previous"],
    generator: torch.Generator,
) -> tuple[int, float]:
    """The next token and how probable it was before anything was cut off.

    `logits` and `generator` live on the CPU, so that a seed means the same on every device. Raises LearnerError when
    the model computes something that is not a number.
    """
    reshaped = filtered = logits
    for name, filtered in filter_steps(logits, config, previous_ids):
        if name in ("repetition_penalty", "temperature"):
            reshaped = filtered
    before_cutting = reshaped.softmax(dim=-1)
    if math.isnan(before_cutting[0].item()):  # one NaN or infinity among the logits makes all of softmax NaN
        raise LearnerError("generation.not_a_number")
    if config.temperature == 0:
        token = int(filtered.argmax())
    else:
        probabilities = before_cutting if filtered is reshaped else filtered.softmax(dim=-1)
        token = int(torch.multinomial(probabilities, 1, generator=generator))
    return token, before_cutting[token].item()
