"""GPT in the style gpt against transformers' Qwen3ForCausalLM."""

import pytest
import torch

from llmlab.hub import to_hf
from llmlab.hub.convert import from_hf_state, hf_config_dict, model_config, to_hf_state
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig

SMALL = {"vocab_size": 37, "context_length": 19, "n_layers": 2, "d_model": 24, "n_heads": 4}
CONFIGS = {
    "plain": GPTConfig(**SMALL),
    "grouped heads": GPTConfig(**SMALL, n_kv_heads=2),
    "one key-value head, untied": GPTConfig(**SMALL, n_kv_heads=1, tie_embeddings=False),
    "heads wider than the model": GPTConfig(**SMALL | {"d_model": 22}, head_dim=14, n_kv_heads=2, d_ff=30),
    "own base and epsilon": GPTConfig(**SMALL, rope_theta=500.0, norm_eps=1e-2),
}
EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


@EACH
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_logits_loss_and_every_gradient(make_pair, config, seed):
    pair = make_pair(config, seed)
    assert type(pair.theirs).__name__ == "Qwen3ForCausalLM"
    pair.check_logits_loss_and_gradients()


@EACH
def test_with_padding(make_pair, left_and_right_padding, config):
    pair = make_pair(config)
    pair.check_logits_loss_and_gradients(left_and_right_padding(pair.ids))


@EACH
def test_sub_blocks(make_pair, config):
    pair = make_pair(config)
    x = torch.randn(2, 11, config.d_model, dtype=torch.float64)
    base = pair.theirs.model
    angles = base.rotary_emb(x, torch.arange(11)[None])
    rotation = pair.ours.rotary(0, 11, x.dtype)
    for ours, theirs in zip(pair.ours.blocks, base.layers, strict=True):
        attention = theirs.self_attn(x, position_embeddings=angles, attention_mask=None)[0]
        for mine, its in (
            (ours.attention_norm(x), theirs.input_layernorm(x)),
            (ours.attention(x, rotation=rotation), attention),
            (ours.feed_forward_norm(x), theirs.post_attention_layernorm(x)),
            (ours.feed_forward(x), theirs.mlp(x)),
            (ours(x, rotation=rotation), theirs(x, position_embeddings=angles)),
        ):
            assert (mine - its).abs().max() < 1e-9
    assert (pair.ours.final_norm(x) - base.norm(x)).abs().max() < 1e-9


@EACH
def test_there_and_back_to_the_bit(make_pair, config):
    make_pair(config).check_there_and_back()


@EACH
def test_float32_agrees_to_its_precision(config):
    torch.manual_seed(0)
    ours = GPT(config).eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    ids = torch.randint(0, 37, (2, 16))
    torch.testing.assert_close(ours(ids).logits, to_hf(ours)(ids).logits, rtol=1e-5, atol=1e-5)


def test_unexplained_and_missing_keys_are_listed():
    model = GPT(CONFIGS["plain"])
    state = to_hf_state(model) | {"model.layers.0.self_attn.q_proj.bias": torch.ones(24)}
    with pytest.raises(LearnerError, match=r"model\.layers\.0\.self_attn\.q_proj\.bias"):
        from_hf_state(hf_config_dict(model.config), state)
    state = to_hf_state(model)
    del state["model.layers.1.self_attn.k_norm.weight"]
    with pytest.raises(LearnerError, match=r"lacks 1 .*model\.layers\.1\.self_attn\.k_norm\.weight"):
        from_hf_state(hf_config_dict(model.config), state)


def test_long_lists_of_keys_are_cut():
    model = GPT(GPTConfig(**SMALL | {"n_layers": 12}))
    with pytest.raises(LearnerError, match=r"lacks 134 .*model\.layers\.1\.\S+, … \(\+114\)"):
        from_hf_state(hf_config_dict(model.config), {})


def test_a_file_may_repeat_the_tied_head_and_hold_old_buffers():
    model = GPT(CONFIGS["plain"])
    extra = {"lm_head.weight": model.head.weight, "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(3)}
    reopened = from_hf_state(hf_config_dict(model.config), to_hf_state(model) | extra)
    assert reopened.head.weight is reopened.token_embedding.weight


@EACH
def test_config_there_and_back(config):
    from transformers import AutoConfig

    written = hf_config_dict(config)
    assert model_config(written) == config
    settings = dict(written)
    theirs = AutoConfig.for_model(settings.pop("model_type"), **settings)
    assert model_config(theirs.to_dict()) == config
    assert theirs.rope_parameters["rope_theta"] == config.rope_theta


def test_defaults_are_the_authors():
    from transformers import Qwen3Config

    assert model_config({"model_type": "qwen3"}) == model_config(Qwen3Config().to_dict())


@pytest.mark.parametrize(
    "setting",
    [
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"use_sliding_window": True},
        {"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "rope_theta": 1e4}},
        {"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
    ],
)
def test_what_we_do_not_compute_is_refused(setting):
    with pytest.raises(LearnerError, match="not supported"):
        model_config(hf_config_dict(CONFIGS["plain"]) | setting)
