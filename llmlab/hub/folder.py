"""A model as a folder that transformers opens: `config.json`, `model.safetensors` in its names, tokenizer files.

Both ways go through safetensors and JSON alone; transformers itself is not imported.
"""

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from llmlab.hub import catalogue
from llmlab.hub.config_file import CONFIG, read_config, write_json
from llmlab.hub.convert import from_hf_state, hf_config_dict, to_hf_state
from llmlab.hub.fetch import fetch
from llmlab.hub.hf_config import family_named, model_config
from llmlab.hub.remote import download_model
from llmlab.hub.weights import check_weights, read_weights, write_weights
from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.text.tokenizer import Tokenizer

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def load(source: str | Path) -> tuple[Model, Tokenizer]:
    """A model in eval mode and its tokenizer, from a folder, a name of the catalogue, or a hub id ("owner/name").

    Keeps the dtype of the weights. Raises LearnerError when there is no such model, or it cannot be used: another
    architecture, missing or unexplained tensors, damaged files, a pickle, a tokenizer too large for the model.
    """
    folder = _find(source)
    model = from_hf_state(*read_folder(folder))
    tokenizer = Tokenizer.load(folder)
    _check_vocabulary(model, tokenizer)
    return model, tokenizer


def save(model: Model, tokenizer: Tokenizer, folder: str | Path) -> None:
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
    write_json(folder / "generation_config.json", {"_from_model_config": True, **ends})
    write_json(folder / CONFIG, hf_config_dict(model.config) | ends | {"dtype": dtype})


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """config.json and the checked weights of a folder. Raises LearnerError for whatever makes it unusable."""
    config = read_config(folder)
    state = read_weights(folder)
    buffers = family_named(config).ignored
    dtype = config.get("dtype") or config.get("torch_dtype")
    check_weights({name: tensor for name, tensor in state.items() if not name.endswith(buffers)}, str(dtype))
    n_layers = model_config(config).n_layers
    if n_layers > len(state):  # before anything is built of that many
        raise LearnerError("hub.layers_contradiction", layers=n_layers, tensors=len(state))
    return config, state


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
        return download_model(source)
    names = ", ".join(entry.name for entry in catalogue.entries("model"))
    raise LearnerError("hub.no_such_model", name=source, known=names)


def _check_vocabulary(model: Model, tokenizer: Tokenizer) -> None:
    if tokenizer.vocab_size > model.config.vocab_size:
        raise LearnerError("hub.vocabulary_too_large", tokens=tokenizer.vocab_size, rows=model.config.vocab_size)
