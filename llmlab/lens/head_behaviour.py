"""What an attention head does, as five scores between 0 and 1: the share of its attention that goes where a head of
that kind would look.

Previous, same and first token and separators are read from the attention on a text (the kinds of heads that Clark et
al. 2019 and Vig 2019 describe; a head that rests on the first token is the attention sink of Xiao et al. 2023).
Induction is read from a random sequence that is repeated, where no other habit of language helps (Olsson et al. 2022).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from llmlab.models.build import Model
from llmlab.models.trace import Trace, trace

ON_A_TEXT = ("previous", "same", "first", "separator")
BEHAVIOURS = (*ON_A_TEXT, "induction")
"""Every behaviour, by the key under which widgets and tables name it."""
NAMED_FROM = 0.4
"""The score from which a head is called by a behaviour; below, it does several things or something else."""
REPEATED = 25
"""How many random tokens are repeated."""

_SPECIAL = re.compile(r"\[[A-Z]+\]|<[^<>\s]+>")


@dataclass(frozen=True)
class Habit:
    """The name of one head: a behaviour and its score, or None where nothing reaches `NAMED_FROM`."""

    behaviour: str | None
    score: float


def attention_weights(left: Trace) -> Float[np.ndarray, "layer head query key"]:
    """The attention of every head on the first text of the batch, as float32."""
    return np.stack([layer.attention.weights[0].float().numpy() for layer in left.layers])


def separators(token_texts: Sequence[str]) -> Bool[np.ndarray, " seq"]:
    """Which tokens, as shown, hold no letter or digit, or are special (`[SEP]`, `<|end|>`); never the first."""
    found = [bool(_SPECIAL.fullmatch(text)) or not any(c.isalnum() for c in text) for text in token_texts]
    return np.array([False, *found[1:]][: len(found)], dtype=bool)


def scores_on_text(
    weights: Float[np.ndarray, "layer head seq seq"],
    token_ids: Sequence[int],
    is_separator: Bool[np.ndarray, " seq"],
) -> dict[str, Float[np.ndarray, "layer head"]]:
    """The four scores that a text gives, each a mean over queries t of attention A[t, s].

    previous: s = t - 1, for t ≥ 1. same: every s that holds the same token, t itself among them.
    first: s = 0, for t ≥ 1. separator: every separator s ≠ t, for the t that can see one.
    A text of one token gives 0 for all but `same`.
    """
    seq = weights.shape[-1]
    ids = np.asarray(token_ids)
    none = np.zeros(weights.shape[:2], dtype=np.float64)
    if seq < 2:
        return {"previous": none, "same": weights[..., 0, 0].astype(np.float64), "first": none, "separator": none}
    wide = weights.astype(np.float64)
    elsewhere = is_separator[None, :] & ~np.eye(seq, dtype=bool)
    visible = (weights > 0).any(axis=(0, 1))  # a causal model's queries see nothing after them
    asking = (elsewhere & visible).any(axis=1)
    return {
        "previous": np.diagonal(wide, offset=-1, axis1=-2, axis2=-1).mean(axis=-1),
        "same": (wide * (ids[:, None] == ids[None, :])).sum(axis=-1).mean(axis=-1),
        "first": wide[..., 1:, 0].mean(axis=-1),
        "separator": (wide * elsewhere).sum(axis=-1)[..., asking].mean(axis=-1) if asking.any() else none,
    }


def repeated_sequence(vocabulary: Sequence[int], length: int, *, seed: int = 0) -> Int[torch.Tensor, "1 twice"]:
    """`length` tokens drawn at random, all different where the vocabulary has enough, twice in a row."""
    draw = np.random.default_rng(seed)
    once = draw.choice(np.asarray(vocabulary), size=length, replace=len(vocabulary) < length)
    return torch.from_numpy(np.tile(once, 2))[None].long()


def induction_of(weights: Float[np.ndarray, "layer head seq seq"]) -> Float[np.ndarray, "layer head"]:
    """On a sequence that is repeated once: the mean attention from each token of the second copy to the one that
    followed the same token in the first (prefix matching, Olsson et al. 2022).
    """
    length = weights.shape[-1] // 2
    second = np.arange(length, 2 * length)
    found: np.ndarray = weights[..., second, second - length + 1].astype(np.float64).mean(axis=-1)
    return found


def induction_scores(
    model: Model, vocabulary: Sequence[int] | None = None, *, seed: int = 0
) -> Float[np.ndarray, "layer head"]:
    """How much each head of a model is an induction head. `vocabulary`: the ids to draw from, all by default."""
    length = min(REPEATED, model.config.context_length // 2)
    if length < 2:
        return np.zeros((model.config.n_layers, model.config.n_heads))
    ids = repeated_sequence(vocabulary or range(model.config.vocab_size), length, seed=seed)
    return induction_of(attention_weights(trace(model, ids)))


def habits(scores: dict[str, Float[np.ndarray, "layer head"]]) -> list[list[Habit]]:
    """Each head's name, by layer and head: induction where it has it, since such a head rests on the first token
    while nothing repeats; else the behaviour with the highest score.
    """
    layers, heads = scores["previous"].shape

    def habit(layer: int, head: int) -> Habit:
        induction = float(scores["induction"][layer, head]) if "induction" in scores else 0.0
        if induction >= NAMED_FROM:
            return Habit("induction", induction)
        best = max(ON_A_TEXT, key=lambda name: scores[name][layer, head])
        score = float(scores[best][layer, head])
        return Habit(best if score >= NAMED_FROM else None, score)

    return [[habit(layer, head) for head in range(heads)] for layer in range(layers)]
