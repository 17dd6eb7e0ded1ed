"""Models from and to transformers: what is written here opens there, and the other way round.

transformers itself is imported only by `to_hf`.
"""

from pathlib import Path
from typing import Any

from torch import Tensor

from llmlab.hub.convert import from_hf_state, hf_config_dict, to_hf_state
from llmlab.hub.folder import read_folder
from llmlab.hub.hf_config import family_of
from llmlab.hub.remote import download_model
from llmlab.models.build import Model


def from_hf(source: Any, *, heads: bool = True) -> Model:
    """A model of ours from a transformers model, a folder, or a hub id; in the source's dtype, in eval mode.

    A model's weights are copied. Folders and hub ids are read without transformers.
    """
    if isinstance(source, str | Path):
        folder = Path(source) if Path(source).exists() else download_model(str(source))
        hf_config, state = read_folder(folder)
        return from_hf_state(hf_config, state, heads=heads)
    state = {name: tensor.detach().clone() for name, tensor in source.state_dict().items()}
    return from_hf_state(source.config.to_dict(), state, heads=heads)


def to_hf(model: Model) -> Any:
    """The transformers model (GPT2LMHeadModel, Qwen3ForCausalLM, BertForPreTraining …) with a copy of these weights, in
    their dtype and in eval mode.
    """
    import transformers

    family = family_of(model.config)
    settings = hf_config_dict(model.config)
    hf_config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    _, auto, words = family.auto(model.config)
    hf_model = getattr(transformers, auto).from_config(hf_config, dtype=model.token_embedding.weight.dtype, **words)
    missing, unexpected = hf_model.load_state_dict(_as_in(hf_model, to_hf_state(model)), strict=False)
    assert not unexpected
    assert set(missing) <= set(family.spare)
    return hf_model.eval()


def _as_in(hf_model: Any, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names of a base model alone leave out its prefix."""
    prefix = f"{hf_model.base_model_prefix}."
    if any(name.startswith(prefix) for name in hf_model.state_dict()):
        return state
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}
