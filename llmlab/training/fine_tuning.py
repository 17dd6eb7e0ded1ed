"""`--from`: a trained model goes on learning, from another text or the same. Its shape and its tokenizer are kept."""

from collections.abc import Collection
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from llmlab.hub import hf_config
from llmlab.i18n import LearnerError
from llmlab.models.config import ModelConfig
from llmlab.text.tokenizer import Tokenizer
from llmlab.training import durable
from llmlab.training.config import CHOICES, TrainConfig, word

ADOPTED = ("model", "tokenizer", "vocab_size", "layers", "heads", "kv_heads", "width", "context")
"""Fields that the model decides."""


def adopt(config: TrainConfig, folder: Path, given: Collection[str] | None = None) -> TrainConfig:
    """The config with the shape of the model in `folder`, from which it starts.

    `given`: the fields somebody asked for; by default those that differ from TrainConfig's own. A context shorter than
    the model's is kept. Raises LearnerError for a field that contradicts the model.
    """
    shape = _shape(folder)
    if given is None:
        given = [f.name for f in fields(config) if getattr(config, f.name) != f.default]
    for name, kept in shape.items():
        asked = getattr(config, name)
        if name not in given or asked is None or asked == kept or (name == "context" and asked < kept):
            continue
        raise LearnerError("training.contradicts_model", word=word(name), asked=asked, kept=kept)
    if "context" in given:
        shape["context"] = config.context
    if shape["tokenizer"] not in CHOICES["tokenizer"]:
        del shape["tokenizer"]
    return replace(config, **shape)


def _shape(folder: Path) -> dict[str, Any]:
    config, tokenizer = model_config(folder), Tokenizer.load(folder)
    return {
        "model": config.style,
        "tokenizer": tokenizer.kind,
        "vocab_size": config.vocab_size,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "kv_heads": config.n_kv_heads,
        "width": config.d_model,
        "context": config.context_length,
    }


def model_config(folder: Path) -> ModelConfig:
    """The shape of the model in a folder. Raises LearnerError when it is not a model's, or of an unknown family."""
    described = durable.read_json(folder / "config.json")
    if not isinstance(described, dict):
        raise LearnerError("training.not_a_model", path=folder)
    return hf_config.model_config(described)
