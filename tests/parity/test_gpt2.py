"""GPT in the style gpt2 against transformers' GPT2LMHeadModel."""

import pytest
import torch

from llmlab.hub import from_hf, to_hf
from llmlab.hub.convert import from_hf_state, hf_config_dict, model_config, to_hf_state
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig

SMALL = {"style": "gpt2", "vocab_size": 37, "context_length": 19, "n_layers": 2, "d_model": 24, "n_heads": 4}
CONFIGS = {
    "plain": GPTConfig(**SMALL),
    "untied": GPTConfig(**SMALL, tie_embeddings=False),
    "no biases": GPTConfig(**SMALL, bias=False),
    "one head, narrow": GPTConfig(**SMALL | {"n_heads": 1, "d_model": 10, "d_ff": 15, "norm_eps": 1e-3}),
}
EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
WITH_BIAS = pytest.mark.parametrize("config", [c for c in CONFIGS.values() if c.bias])


@WITH_BIAS
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_logits_loss_and_every_gradient(make_pair, config, seed):
    make_pair(config, seed).check_logits_loss_and_gradients()


@WITH_BIAS
def test_with_padding(make_pair, left_and_right_padding, config):
    pair = make_pair(config)
    pair.check_logits_loss_and_gradients(left_and_right_padding(pair.ids))


def test_without_biases_the_logits_agree(make_pair):
    pair = make_pair(CONFIGS["no biases"])
    difference = pair.ours(pair.ids).logits - pair.theirs(pair.ids).logits
    assert difference.abs().max() < 1e-9


@EACH
def test_sub_blocks(make_pair, config):
    pair = make_pair(config)
    x = torch.randn(2, 11, config.d_model, dtype=torch.float64)
    for ours, theirs in zip(pair.ours.blocks, pair.theirs.transformer.h, strict=True):
        for mine, its in (
            (ours.attention_norm(x), theirs.ln_1(x)),
            (ours.attention(x), theirs.attn(x)[0]),
            (ours.feed_forward_norm(x), theirs.ln_2(x)),
            (ours.feed_forward(x), theirs.mlp(x)),
            (ours(x), theirs(x)),
        ):
            assert (mine - its).abs().max() < 1e-9


@EACH
def test_there_and_back_to_the_bit(make_pair, config):
    make_pair(config).check_there_and_back()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_dtype_is_kept_both_ways(dtype):
    theirs = to_hf(GPT(CONFIGS["plain"]).to(dtype))
    assert {p.dtype for p in theirs.parameters()} == {dtype}
    assert {p.dtype for p in from_hf(theirs).parameters()} == {dtype}


def test_from_hf_copies():
    theirs = to_hf(GPT(CONFIGS["plain"]))
    ours = from_hf(theirs)
    before = theirs.transformer.wte.weight.clone()
    with torch.no_grad():
        ours.token_embedding.weight.add_(1)
        ours.blocks[0].attention_norm.weight.add_(1)
    assert torch.equal(theirs.transformer.wte.weight, before)
    assert torch.equal(theirs.transformer.h[0].ln_1.weight, torch.ones(24))


def test_biases_trained_elsewhere_come_back():
    model = GPT(CONFIGS["no biases"])
    assert from_hf_state(hf_config_dict(model.config), to_hf_state(model)).config == model.config
    state = to_hf_state(model)
    state["transformer.h.1.mlp.c_fc.bias"] += 0.5
    reopened = from_hf_state(hf_config_dict(model.config), state)
    assert reopened.config.bias
    assert reopened.blocks[1].feed_forward.up.bias.mean() == 0.5


def test_published_names_without_prefix_and_with_mask_buffers():
    model = GPT(CONFIGS["plain"])
    state = {name.removeprefix("transformer."): tensor for name, tensor in to_hf_state(model).items()}
    state["h.0.attn.bias"] = torch.ones(1, 1, 19, 19).tril()
    state["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    reopened = from_hf_state(hf_config_dict(model.config), state)
    assert all(torch.equal(a, b) for a, b in zip(reopened.parameters(), model.parameters(), strict=True))


def test_unexplained_keys_are_listed():
    model = GPT(CONFIGS["plain"])
    state = to_hf_state(model) | {"transformer.h.0.adapter.weight": torch.ones(1), "score.weight": torch.ones(1)}
    with pytest.raises(LearnerError, match=r"holds 2 tensors.*score\.weight, transformer\.h\.0\.adapter\.weight"):
        from_hf_state(hf_config_dict(model.config), state)


def test_missing_keys_are_listed():
    model = GPT(CONFIGS["untied"])
    state = to_hf_state(model)
    for name in ("transformer.h.1.attn.c_attn.weight", "lm_head.weight"):
        del state[name]
    with pytest.raises(LearnerError, match=r"lacks 2 .*lm_head\.weight, transformer\.h\.1\.attn\.c_attn\.weight"):
        from_hf_state(hf_config_dict(model.config), state)
    with pytest.raises(LearnerError, match="lacks 1 "):
        from_hf_state(hf_config_dict(model.config), state, heads=False)


def test_without_a_head_only_when_asked():
    model = GPT(CONFIGS["untied"])
    state = to_hf_state(model)
    del state["lm_head.weight"]
    reopened = from_hf_state(hf_config_dict(model.config), state, heads=False)
    assert torch.equal(reopened.token_embedding.weight, model.token_embedding.weight)
    assert reopened.head.weight.isfinite().all()


def test_wrong_shapes_are_named():
    model = GPT(CONFIGS["plain"])
    wider = hf_config_dict(GPTConfig(**SMALL | {"d_ff": 40}))
    with pytest.raises(LearnerError, match=r"transformer\.h\.0\.mlp\.c_fc\.weight is 24 × 96, .* 24 × 40"):
        from_hf_state(wider, to_hf_state(model))
    state = to_hf_state(model)
    state["transformer.h.0.attn.c_attn.weight"] = torch.ones(24, 71)
    with pytest.raises(LearnerError, match=r"c_attn\.weight is 24 × 71, .* 24 × 72"):
        from_hf_state(hf_config_dict(model.config), state)


@EACH
def test_config_there_and_back(config):
    from transformers import AutoConfig

    written = hf_config_dict(config)
    assert model_config(written) == config
    settings = dict(written)
    theirs = AutoConfig.for_model(settings.pop("model_type"), **settings).to_dict()
    assert model_config(theirs) == config
    assert {key: theirs[key] for key in written if key != "architectures"} == {
        key: value for key, value in written.items() if key != "architectures"
    }


def test_defaults_are_the_authors():
    from transformers import GPT2Config

    assert model_config({"model_type": "gpt2"}) == model_config(GPT2Config().to_dict())


@pytest.mark.parametrize(
    "setting",
    [
        {"activation_function": "relu"},
        {"scale_attn_weights": False},
        {"scale_attn_by_inverse_layer_idx": True},
        {"quantization_config": {"bits": 4}},
    ],
)
def test_what_we_do_not_compute_is_refused(setting):
    with pytest.raises(LearnerError, match="not supported"):
        model_config(hf_config_dict(CONFIGS["plain"]) | setting)


def test_other_families_are_refused():
    with pytest.raises(LearnerError, match="mamba"):
        model_config({"model_type": "mamba"})
