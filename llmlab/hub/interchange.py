"""Models from and to transformers: what is written here opens there, and the other way round.

transformers itself is imported only by `to_hf`.
"""

from pathlib import Path
from typing import Any

from llmlab.hub.convert import from_hf_state, hf_config_dict, to_hf_state
from llmlab.hub.folder import read_folder
from llmlab.hub.remote import download_model
from llmlab.models.gpt import GPT


def from_hf(source: Any, *, heads: bool = True) -> GPT:
    """A GPT from a transformers model, a folder, or a hub id; in the source's dtype, in eval mode.

    A model's weights are copied. Folders and hub ids are read without transformers.
    """
    if isinstance(source, str | Path):
        folder = Path(source) if Path(source).exists() else download_model(str(source))
        hf_config, state = read_folder(folder)
        return from_hf_state(hf_config, state, heads=heads)
    state = {name: tensor.detach().clone() for name, tensor in source.state_dict().items()}
    return from_hf_state(source.config.to_dict(), state, heads=heads)


def to_hf(model: GPT) -> Any:
    """The transformers model (GPT2LMHeadModel, LlamaForCausalLM or Qwen3ForCausalLM) with a copy of these weights, in
    their dtype and in eval mode.
    """
    import transformers

    settings = hf_config_dict(model.config)
    hf_config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    hf_model = transformers.AutoModelForCausalLM.from_config(hf_config, dtype=model.token_embedding.weight.dtype)
    missing, unexpected = hf_model.load_state_dict(to_hf_state(model), strict=False)
    assert not unexpected
    assert set(missing) <= ({"lm_head.weight"} if model.config.tie_embeddings else set())
    return hf_model.eval()
