"""What it takes to name a family's weights and settings as transformers does: one table, read in both directions.

A line of `tensors` says "ours, theirs": `{layer}` stands for every layer's number. A line of `settings` says
"field of our config, key of config.json, value when the key is missing". The tables are in `gpt_families` and
`bert_family`; a new family is one more of them, listed in `hf_config.FAMILIES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmlab.models.config import ModelConfig


@dataclass(frozen=True)
class Weight:
    """One tensor of ours and where it is found in theirs."""

    ours: str
    theirs: str
    transposed: bool = False
    """GPT-2 keeps its linear layers as (inputs, outputs), torch as (outputs, inputs)."""
    part: tuple[int, int] | None = None
    """(i, n): the i-th of n equal parts of a fused tensor's outputs."""
    when: Callable[[Any], bool] | None = None
    """Whether a model of this config has it; always by default."""


@dataclass(frozen=True)
class Setting:
    field: str
    key: str
    default: Any


def _nothing_more(_: Any) -> dict[str, Any]:
    return {}


def _as_it_is(config: Any, state: Mapping[str, Any], heads: bool) -> Any:
    return config


@dataclass(frozen=True, kw_only=True)
class Family:
    """Everything that tells one family from another."""

    model_type: str
    config: type[ModelConfig]
    prefix: str
    """What stands before the names of the base model; published checkpoints without a head leave it out."""
    heads: tuple[str, ...]
    """Beginnings of the names outside the base model."""
    tensors: tuple[Weight, ...]
    settings: tuple[Setting, ...]
    supported: dict[str, tuple[Any, ...]]
    """Keys whose other values change the computation in a way we do not have; the first value is the default."""
    written: dict[str, Any]
    """Keys that config.json needs beside the settings."""
    ignored: tuple[str, ...] = ()
    """Ends of names that are buffers, not weights."""
    spare: tuple[str, ...] = ()
    """Names of theirs that may be there unread: a tied tensor once more, a part that this config has no use for."""
    renamed: tuple[tuple[str, str], ...] = ()
    """(end of a name in old checkpoints, what it is today)."""
    fixed: dict[str, Any]
    """Fields of our config that are the same for the whole family."""
    auto: Callable[[Any], tuple[str, str, dict[str, Any]]]
    """For a config: the class in transformers, the Auto class that makes it, and what that must be told."""
    write: Callable[[Any], dict[str, Any]] = _nothing_more
    """Keys of config.json that follow from a config of ours in another way than by the settings."""
    read: Callable[[dict[str, Any]], dict[str, Any]] = _nothing_more
    """Fields of our config that follow from config.json in another way. Raises LearnerError."""
    fit: Callable[[Any, Mapping[str, Any], bool], Any] = _as_it_is
    """The config once the stored tensors are seen: (config, tensors by name, whether heads are asked for)."""
    written_as_zeros: Callable[[str, Any], bool] = lambda name, config: False
    """Whether a tensor of ours, which a model of this config does not have, is zeros in theirs."""
