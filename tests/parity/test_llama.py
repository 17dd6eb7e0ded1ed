"""GPT in the style gpt without QK-norm against transformers' LlamaForCausalLM."""

import pytest
import torch

from llmlab.hub.convert import from_hf_state, hf_config_dict, model_config, to_hf_state
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig

SMALL = {"vocab_size": 37, "context_length": 19, "n_layers": 2, "d_model": 24, "n_heads": 4, "qk_norm": False}
CONFIGS = {
    "plain": GPTConfig(**SMALL),
    "grouped heads, untied": GPTConfig(**SMALL, n_kv_heads=2, tie_embeddings=False),
    "heads wider than the model": GPTConfig(**SMALL, head_dim=10, n_kv_heads=1, rope_theta=700.0),
}
EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


@EACH
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_logits_loss_and_every_gradient(make_pair, config, seed):
    pair = make_pair(config, seed)
    assert type(pair.theirs).__name__ == "LlamaForCausalLM"
    pair.check_logits_loss_and_gradients()


@EACH
def test_with_padding(make_pair, left_and_right_padding, config):
    pair = make_pair(config)
    pair.check_logits_loss_and_gradients(left_and_right_padding(pair.ids))


@EACH
def test_sub_blocks(make_pair, config):
    pair = make_pair(config)
    x = torch.randn(2, 11, config.d_model, dtype=torch.float64)
    angles = pair.theirs.model.rotary_emb(x, torch.arange(11)[None])
    rotation = pair.ours.rotary(0, 11, x.dtype)
    for ours, theirs in zip(pair.ours.blocks, pair.theirs.model.layers, strict=True):
        attention = theirs.self_attn(x, position_embeddings=angles, attention_mask=None)[0]
        assert (ours.attention(x, rotation=rotation) - attention).abs().max() < 1e-9
        assert (ours.feed_forward(x) - theirs.mlp(x)).abs().max() < 1e-9


@EACH
def test_there_and_back_to_the_bit(make_pair, config):
    make_pair(config).check_there_and_back()


@EACH
def test_config_there_and_back(config):
    from transformers import AutoConfig

    written = hf_config_dict(config)
    assert model_config(written) == config
    settings = dict(written)
    assert model_config(AutoConfig.for_model(settings.pop("model_type"), **settings).to_dict()) == config


def test_configs_of_earlier_versions_open():
    old = hf_config_dict(CONFIGS["plain"]) | {"rope_theta": 123.0, "rope_scaling": None}
    del old["rope_parameters"], old["head_dim"], old["num_key_value_heads"]
    opened = model_config(old)
    assert (opened.rope_theta, opened.head_dim, opened.n_kv_heads) == (123.0, 6, 4)


def test_defaults_are_the_authors():
    from transformers import LlamaConfig

    assert model_config({"model_type": "llama"}) == model_config(LlamaConfig().to_dict())


def test_weights_of_a_qwen3_are_not_taken_for_a_llama():
    qwen = GPT(GPTConfig(**SMALL | {"qk_norm": True}))
    with pytest.raises(LearnerError, match=r"holds 4 tensors.*q_norm"):
        from_hf_state(hf_config_dict(CONFIGS["plain"]), to_hf_state(qwen))


@pytest.mark.parametrize("setting", [{"mlp_bias": True}, {"attention_bias": True}, {"hidden_act": "relu"}])
def test_what_we_do_not_compute_is_refused(setting):
    with pytest.raises(LearnerError, match="not supported"):
        model_config(hf_config_dict(CONFIGS["plain"]) | setting)
