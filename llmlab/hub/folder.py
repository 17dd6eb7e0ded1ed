"""A model as a folder that transformers opens: `config.json`, `model.safetensors` in its names, tokenizer files.

Both ways go through safetensors and JSON alone; transformers itself is not imported.
"""

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

from torch import Tensor

from llmlab.hub import catalogue
from llmlab.hub.convert import from_hf_state, gpt_config, hf_config_dict, to_hf_state
from llmlab.hub.fetch import fetch
from llmlab.hub.hf_config import family_named
from llmlab.hub.weights import check_weights, read_weights, write_weights
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import Tokenizer

CONFIG = "config.json"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_TYPES = {field.name: field.type for field in dataclasses.fields(GPTConfig)}
_LARGEST = 1 << 24


def load(source: str | Path) -> tuple[GPT, Tokenizer]:
    """A model in eval mode and its tokenizer, from a folder, a name of the catalogue, or a hub id ("owner/name").

    Keeps the dtype of the weights. Raises LearnerError when there is no such model, or it cannot be used: another
    architecture, missing or unexplained tensors, damaged files, a pickle, a tokenizer too large for the model.
    """
    folder = _find(source)
    model = from_hf_state(*read_folder(folder))
    tokenizer = Tokenizer.load(folder)
    _check_vocabulary(model, tokenizer)
    return model, tokenizer


def save(model: GPT, tokenizer: Tokenizer, folder: str | Path) -> None:
    """Writes the model as a folder (made when missing) from which transformers' Auto classes read the same model.

    Raises LearnerError for a tokenizer with more tokens than the model knows.
    """
    _check_vocabulary(model, tokenizer)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(to_hf_state(model), folder)
    tokenizer.save(folder)
    ends = {"eos_token_id": tokenizer.eos_id}
    dtype = str(model.token_embedding.weight.dtype).removeprefix("torch.")
    _write_json(folder / "generation_config.json", {"_from_model_config": True, **ends})
    _write_json(folder / CONFIG, hf_config_dict(model.config) | ends | {"dtype": dtype})


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """config.json and the checked weights of a folder. Raises LearnerError for whatever makes it unusable."""
    config = read_config(folder)
    state = read_weights(folder)
    buffers = family_named(config).ignored
    dtype = config.get("dtype") or config.get("torch_dtype")
    check_weights({name: tensor for name, tensor in state.items() if not name.endswith(buffers)}, str(dtype))
    n_layers = gpt_config(config).n_layers
    if n_layers > len(state):  # before anything is built of that many
        raise LearnerError("hub.layers_contradiction", layers=n_layers, tensors=len(state))
    return config, state


def read_config(folder: Path) -> dict[str, Any]:
    """A folder's config.json, for an architecture that we have and with sizes that can be.

    Raises LearnerError for what is no model folder, a broken file, and what `gpt_config` refuses.
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


def _check_believable(config: dict[str, Any]) -> None:
    """Raises LearnerError for a setting that is no number where one is needed, or larger than any model's.

    Positions and vocabularies are tables that would be built in memory before anything else could complain.
    """
    read = gpt_config(config)
    for setting in family_named(config).settings:
        value, needed = getattr(read, setting.field), _TYPES[setting.field]
        if needed is float and type(value) is int:
            config[setting.key] = float(value)
        elif type(value) is not needed or (needed is not bool and not 0 <= value <= _LARGEST):
            raise LearnerError("hub.setting_strange", key=setting.key, found=str(value)[:40])
    if not 0 < read.rope_theta < math.inf:
        raise LearnerError("hub.setting_strange", key="rope_theta", found=read.rope_theta)


def _find(source: str | Path) -> Path:
    path = Path(source).expanduser()
    if isinstance(source, Path) or path.exists():
        return path
    known = {entry.name: entry for entry in [*catalogue.entries("model"), *catalogue.entries("corpus")]}
    if source in known:
        if known[source].kind != "model":
            raise LearnerError("hub.not_a_model", name=source)
        return fetch(source)
    if _HUB_ID.fullmatch(source) and not source.startswith("."):
        from llmlab.hub.remote import download_model

        return download_model(source)
    names = ", ".join(entry.name for entry in catalogue.entries("model"))
    raise LearnerError("hub.no_such_model", name=source, known=names)


def _check_vocabulary(model: GPT, tokenizer: Tokenizer) -> None:
    if tokenizer.vocab_size > model.config.vocab_size:
        raise LearnerError("hub.vocabulary_too_large", tokens=tokenizer.vocab_size, rows=model.config.vocab_size)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
