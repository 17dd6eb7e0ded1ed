"""A folder's `config.json`, read with suspicion: it may be anybody's, broken, or describe what cannot be."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from llmlab.hub.hf_config import family_named, model_config
from llmlab.i18n import LearnerError

CONFIG = "config.json"
FILES = (
    *("config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json"),
    *("model-*.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json"),
    "chat_template.jinja",
    *("merges.txt", "vocab.txt", "*.model", "README.md", "LICENSE*", "metrics.jsonl"),
)
"""What belongs to a model; a checkpoint's optimizer and state do not."""

_LARGEST = 1 << 24


def read_config(folder: Path) -> dict[str, Any]:
    """A folder's config.json, for an architecture that we have and with sizes that can be.

    Raises LearnerError for what is no model folder, a broken file, and what `model_config` refuses.
    """
    if not (folder / CONFIG).is_file():
        raise LearnerError("hub.not_a_model_folder" if folder.is_dir() else "hub.not_a_folder", folder=folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise TypeError(f"a {type(config).__name__} instead of an object")
        _check_believable(config)
    except LearnerError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise LearnerError("hub.config_broken", folder=folder.name, detail=str(error)) from error
    return config


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes an object as a person may read it."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def _check_believable(config: dict[str, Any]) -> None:
    """Raises LearnerError for a setting that is no number where one is needed, or larger than any model's.

    Positions and vocabularies are tables that would be built in memory before anything else could complain.
    """
    read = model_config(config)
    types = {field.name: field.type for field in dataclasses.fields(read)}
    for setting in family_named(config).settings:
        value, needed = getattr(read, setting.field), types[setting.field]
        if needed is float and type(value) is int:
            config[setting.key] = float(value)
        elif type(value) is not needed or (needed is not bool and not 0 <= value <= _LARGEST):
            raise LearnerError("hub.setting_strange", key=setting.key, found=str(value)[:40])
    theta = getattr(read, "rope_theta", 1.0)
    if not 0 < theta < math.inf:
        raise LearnerError("hub.setting_strange", key="rope_theta", found=theta)
