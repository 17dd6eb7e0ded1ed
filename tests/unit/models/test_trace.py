from dataclasses import replace

import pytest
import torch

from llmlab.i18n import LearnerError
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace

GPT2 = GPTConfig(style="gpt2", vocab_size=13, context_length=9, n_layers=2, n_heads=2, d_model=8)
MODERN = GPTConfig(vocab_size=13, context_length=9, n_layers=2, n_heads=4, n_kv_heads=2, head_dim=6, d_model=8)
LLAMA = GPTConfig(vocab_size=13, context_length=9, n_layers=2, n_heads=4, d_model=8, qk_norm=False)
EACH = pytest.mark.parametrize("config", [GPT2, MODERN, LLAMA], ids=["gpt2", "qwen3", "llama"])


def build(config: GPTConfig) -> tuple[GPT, torch.Tensor]:
    torch.manual_seed(0)
    return GPT(config), torch.randint(0, 13, (2, 7))


@EACH
def test_recording_changes_nothing(config: GPTConfig) -> None:
    model, ids = build(config)
    recorded = trace(model, ids)
    torch.testing.assert_close(recorded.logits, model.eval()(ids).logits)


@EACH
def test_each_entry_says_its_name_shape_and_formula(config: GPTConfig) -> None:
    model, ids = build(config)
    recorded = trace(model, ids)
    sizes = {
        "batch": 2, "seq": 7, "query": 7, "key": 7, "head": config.n_heads, "kv_head": config.n_kv_heads,
        "head_dim": config.head_dim, "d_model": 8, "d_ff": config.d_ff, "vocab": 13, "1": 1,
    }  # fmt: skip
    assert len(list(recorded)) == 2 * (
        len(list(recorded.layers[0].attention)) + len(list(recorded.layers[0].feed_forward))
    ) + (5 if config is GPT2 else 4)
    for name in recorded:
        entry = recorded[name]
        assert entry.name == name
        assert entry.formula
        assert entry.formula.count("{") == entry.formula.count("}")
        assert entry.shape == {axis: sizes[axis] for axis in entry.axes}
        assert not entry.value.requires_grad


@EACH
def test_attributes_and_names_reach_the_same_tensors(config: GPTConfig) -> None:
    recorded = trace(*build(config))
    assert recorded.layers[1].attention.weights is recorded["layers.1.attention.weights"].value
    assert recorded.layers[0].feed_forward.activation is recorded["layers.0.feed_forward.activation"].value
    assert recorded.logits is recorded["logits"].value
    assert "weights" in dir(recorded.layers[0].attention)
    with pytest.raises(AttributeError, match=r"no layers\.0\.attention\.wieghts; it has .*weights"):
        _ = recorded.layers[0].attention.wieghts
    assert ("q_rotated" in recorded.layers[0].attention) == (config is not GPT2)
    assert ("q_normed" in recorded.layers[0].attention) == (config is MODERN)


@EACH
def test_query_and_key_are_those_that_meet(config: GPTConfig) -> None:
    recorded = trace(*build(config))
    for layer in recorded.layers:
        keys = layer.attention.key.repeat_interleave(config.n_heads // config.n_kv_heads, dim=1)
        scores = layer.attention.query @ keys.transpose(-2, -1) / config.head_dim**0.5
        torch.testing.assert_close(layer.attention.scores, scores)


@EACH
def test_the_residual_stream_is_the_sum_of_what_was_added(config: GPTConfig) -> None:
    recorded = trace(*build(config))
    stream = recorded.embedding
    for layer in recorded.layers:
        for part in (layer.attention, layer.feed_forward):
            assert torch.equal(part.residual_before, stream)
            stream = stream + part.output
            assert torch.equal(part.residual_after, stream)


@EACH
def test_weights_sum_to_one_and_padding_weighs_nothing(config: GPTConfig) -> None:
    model, ids = build(config)
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0]])
    weights = trace(model, ids, mask).layers[0].attention.weights
    assert weights[0, :, :, :2].abs().max() == 0
    assert weights[1, :, :, 5:].abs().max() == 0
    torch.testing.assert_close(weights[0, :, 2:].sum(-1), torch.ones(config.n_heads, 5))
    assert weights[0, :, :2].abs().max() == 0
    plain = trace(model, ids).layers[0].attention
    assert plain.masked_scores.isneginf().sum() == 2 * config.n_heads * 21
    assert plain.scores.isfinite().all()


@EACH
def test_logits_per_layer_end_in_the_logits(config: GPTConfig) -> None:
    recorded = trace(*build(config))
    assert recorded.logits_per_layer.shape == (3, 2, 7, 13)
    assert torch.equal(recorded.logits_per_layer[-1], recorded.logits)
    assert recorded.logits_per_layer is recorded.logits_per_layer


def test_the_model_is_left_as_it_was() -> None:
    model, ids = build(MODERN)
    model.train()
    trace(model, ids)
    assert model.training


BERT = BertConfig(vocab_size=13, context_length=9, n_layers=2, n_heads=2, d_model=8)


def test_a_berts_entries_say_their_shapes_and_formulas() -> None:
    model, ids = Bert(BERT), torch.randint(0, 13, (2, 7))
    recorded = trace(model, ids, token_type_ids=torch.ones_like(ids))
    sizes = {"batch": 2, "seq": 7, "query": 7, "key": 7, "head": 2, "kv_head": 2, "head_dim": 4}
    sizes |= {"d_model": 8, "d_ff": 32, "vocab": 13, "1": 1, "2": 2}
    for name in recorded:
        entry = recorded[name]
        assert entry.formula.count("{") == entry.formula.count("}") > -1
        assert entry.shape == {axis: sizes[axis] for axis in entry.axes}
    assert recorded.logits_per_layer.shape == (3, 2, 7, 13)
    assert torch.equal(recorded.logits_per_layer[-1], recorded.logits)


def test_a_headless_berts_trace_has_no_logits() -> None:
    recorded = trace(Bert(replace(BERT, mlm_head=False, nsp_head=False)), torch.zeros(1, 4, dtype=torch.long))
    assert "logits" not in recorded
    assert recorded.pooled.shape == (1, 8)
    with pytest.raises(LearnerError, match="no head"):
        _ = recorded.logits_per_layer
