"""Our formulas against transformers' own models on torch's meta device, and against what the papers say."""

import pytest
import torch

from llmlab.models.published import PUBLISHED, Published
from llmlab.models.size import parameter_count

BY_NAME = {model.name: model for model in PUBLISHED}


def on_meta(model: Published) -> int:
    import transformers as hf

    c = model.config
    shape = {"n_layer": c.n_layers, "n_head": c.n_heads, "n_embd": c.d_model, "n_positions": c.context_length}
    with torch.device("meta"):
        if model.name == "GPT-1":
            built = hf.OpenAIGPTLMHeadModel(hf.OpenAIGPTConfig(vocab_size=c.vocab_size, **shape))
        elif model.name.startswith("GPT-2"):
            built = hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=c.vocab_size, **shape))
        else:
            sizes = {"hidden_size": c.d_model, "num_hidden_layers": c.n_layers, "num_attention_heads": c.n_heads}
            built = hf.BertForPreTraining(hf.BertConfig(**sizes, intermediate_size=4 * c.d_model))
    return sum(p.numel() for p in {id(p): p for p in built.parameters()}.values())


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "GPT-3"])
def test_the_formula_counts_what_transformers_builds(name: str) -> None:
    counted = parameter_count(BY_NAME[name].config)
    extra = 2 * 768 if name == "GPT-1" else 0  # GPT-1 has no norm after its last layer
    assert counted - extra == on_meta(BY_NAME[name])


@pytest.mark.parametrize("model", PUBLISHED, ids=BY_NAME)
def test_the_published_count_is_met_within_half_a_percent_or_explained(model: Published) -> None:
    difference = abs(parameter_count(model.config) / model.count - 1)
    assert difference < (0.012 if model.note == "bert_large" else 0.005)
