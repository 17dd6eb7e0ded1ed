"""A small GPT and a small BERT that differ in nothing but what they see, what they learn, and where the norm stands:
the same text, the same word pieces, the same sizes, the same number of steps.
"""

from typing import Any, Literal

from llmlab.training import recipes
from llmlab.training.config import TrainConfig

CORPUS = "tales-en"
"""In both languages: 300 pieces hold no more than four fifths of the characters of the Chinese Tales."""
STEPS = 400
HEADS = 4
POINTS = 20
"""Measurements of the validation loss in a run of that length."""
Side = Literal["gpt2", "bert"]
SIDES: tuple[Side, ...] = ("gpt2", "bert")


def config(side: Side, *, steps: int = STEPS, heads: int = HEADS, seed: int = 0) -> TrainConfig:
    """One of the two runs: half a minute on two cores."""
    words: dict[str, Any] = {
        "model": side,
        "corpus": CORPUS,
        "tokenizer": "wordpiece",
        "vocab_size": 300,
        "layers": 2,
        "heads": heads,
        "width": 96,
        "context": 16,
        "batch": 128,
        "lr": 6e-3,
        "steps": steps,
        "eval_every": STEPS // POINTS,
        "eval_tokens": 4096,
        "probe_megabytes": 0.0,
        "seed": seed,
    }
    return recipes.configure(words)


def references(found: dict[str, Any]) -> dict[str, Any]:
    """Of what a run compares itself with the two that say the same of both objectives: a guess among all tokens, and
    one that knows how frequent each is. What counting neighbours reaches is about the next token alone.
    """
    return {name: found.get(name) for name in ("uniform", "unigram")}
