"""Every number of a trace against the same model written down once more, in plain tensor operations that share nothing
with the package: each head on its own, each position on its own where that is clearer.
"""

import math

import pytest
import torch

from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace

CONTEXT, VOCAB = 9, 13
GPT2 = GPTConfig(style="gpt2", vocab_size=VOCAB, context_length=CONTEXT, n_layers=2, n_heads=2, d_model=8)
QWEN3 = GPTConfig(vocab_size=VOCAB, context_length=CONTEXT, n_layers=2, n_heads=4, n_kv_heads=2, head_dim=6, d_model=8)
LLAMA = GPTConfig(
    vocab_size=VOCAB, context_length=CONTEXT, n_layers=2, n_heads=2, d_model=8, qk_norm=False, tie_embeddings=False
)
EACH = pytest.mark.parametrize("config", [GPT2, QWEN3, LLAMA], ids=["gpt2", "qwen3", "llama"])


def build(config):
    torch.manual_seed(0)
    model = GPT(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model, torch.randint(0, VOCAB, (2, 7))


def layer_norm(x, w, name, eps):
    mean = x.sum(-1, keepdim=True) / x.shape[-1]
    variance = ((x - mean) ** 2).sum(-1, keepdim=True) / x.shape[-1]
    return (x - mean) / torch.sqrt(variance + eps) * w[name + ".weight"] + w[name + ".bias"]


def rms_norm(x, w, name, eps):
    x32 = x.to(torch.float32)
    mean_square = (x32 * x32).sum(-1, keepdim=True) / x.shape[-1]
    return (x32 / torch.sqrt(mean_square + eps)).to(x.dtype) * w[name + ".weight"]


def rotate(vector, position, theta):
    """One head's vector at one position, pair by pair."""
    half = vector.shape[-1] // 2
    turned = vector.clone()
    for i in range(half):
        angle = position * theta ** (-2 * i / vector.shape[-1])
        a, b = vector[..., i], vector[..., i + half]
        turned[..., i] = a * math.cos(angle) - b * math.sin(angle)
        turned[..., i + half] = b * math.cos(angle) + a * math.sin(angle)
    return turned


def linear(x, w, name):
    y = torch.einsum("bti,oi->bto", x, w[name + ".weight"])
    return y + w[name + ".bias"] if name + ".bias" in w else y


def heads(x, count):
    return torch.stack(x.chunk(count, dim=-1), dim=1)  # (batch, head, seq, head_dim)


def by_hand(model, ids):
    """Name to tensor, for everything that a trace names."""
    c, w = model.config, dict(model.state_dict())
    classic = c.style == "gpt2"
    norm = layer_norm if classic else rms_norm
    made = {"token_embedding": torch.stack([w["token_embedding.weight"][row] for row in ids])}
    x = made["token_embedding"]
    if classic:
        made["position_embedding"] = w["position_embedding.weight"][: ids.shape[1]][None]
        x = x + made["position_embedding"]
    made["embedding"] = x
    for n in range(c.n_layers):
        block = f"blocks.{n}."
        a = {"residual_before": x, "normed": norm(x, w, block + "attention_norm", c.norm_eps)}
        q = a["q"] = heads(linear(a["normed"], w, block + "attention.query"), c.n_heads)
        k = a["k"] = heads(linear(a["normed"], w, block + "attention.key"), c.n_kv_heads)
        v = a["v"] = heads(linear(a["normed"], w, block + "attention.value"), c.n_kv_heads)
        if c.qk_norm:
            q = a["q_normed"] = rms_norm(q, w, block + "attention.query_norm", c.norm_eps)
            k = a["k_normed"] = rms_norm(k, w, block + "attention.key_norm", c.norm_eps)
        if not classic:
            seq = range(ids.shape[1])
            q = a["q_rotated"] = torch.stack([rotate(q[:, :, t], t, c.rope_theta) for t in seq], dim=2)
            k = a["k_rotated"] = torch.stack([rotate(k[:, :, t], t, c.rope_theta) for t in seq], dim=2)
        a |= attend(q, k, v, [[range(t + 1) for t in range(ids.shape[1])]] * len(ids))
        joined = torch.cat([a["head_outputs"][:, h] for h in range(c.n_heads)], dim=-1)
        a["output"] = linear(joined, w, block + "attention.output")
        x = a["residual_after"] = x + a["output"]
        f = {"residual_before": x, "normed": norm(x, w, block + "feed_forward_norm", c.norm_eps)}
        if classic:
            h = f["hidden"] = linear(f["normed"], w, block + "feed_forward.up")
            f["activation"] = h / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        else:
            f["gate"] = linear(f["normed"], w, block + "feed_forward.gate")
            f["up"] = linear(f["normed"], w, block + "feed_forward.up")
            f["activation"] = f["gate"] / (1 + torch.exp(-f["gate"])) * f["up"]
        f["output"] = linear(f["activation"], w, block + "feed_forward.down")
        x = f["residual_after"] = x + f["output"]
        made |= {f"layers.{n}.attention.{name}": value for name, value in a.items()}
        made |= {f"layers.{n}.feed_forward.{name}": value for name, value in f.items()}
    made["final_norm"] = norm(x, w, "final_norm", c.norm_eps)
    made["logits"] = linear(made["final_norm"], w, "token_embedding" if c.tie_embeddings else "head")
    return made


def attend(q, k, v, seen):
    """Query by query: its scores, the softmax over the positions `seen[batch][query]`, the mixture of their values."""
    batch, n_heads, seq, head_dim = q.shape
    scores = torch.empty(batch, n_heads, seq, seq, dtype=q.dtype)
    masked = torch.full_like(scores, -math.inf)
    weights, outputs = torch.zeros_like(scores), torch.zeros_like(q)
    for b in range(batch):
        for h in range(n_heads):
            g = h * k.shape[1] // n_heads  # neighbouring query heads share a key-value head
            for t in range(seq):
                scores[b, h, t] = torch.stack([(q[b, h, t] * k[b, g, s]).sum() for s in range(seq)]) / head_dim**0.5
                for s in seen[b][t]:
                    masked[b, h, t, s] = scores[b, h, t, s]
                    weights[b, h, t, s] = torch.exp(scores[b, h, t, s])
                weights[b, h, t] /= weights[b, h, t].sum()
                outputs[b, h, t] = sum(weights[b, h, t, s] * v[b, g, s] for s in seen[b][t])
    return {"scores": scores, "masked_scores": masked, "weights": weights, "head_outputs": outputs}


def gelu(x):
    return x / 2 * (1 + torch.erf(x / math.sqrt(2)))


def bert_by_hand(model, ids, mask, segments):
    """The same for BERT: `seen` by every query is what is no padding."""
    c, w, eps = model.config, dict(model.state_dict()), model.config.norm_eps
    made = {
        "token_embedding": torch.stack([w["token_embedding.weight"][row] for row in ids]),
        "position_embedding": w["position_embedding.weight"][: ids.shape[1]][None],
        "segment_embedding": torch.stack([w["segment_embedding.weight"][row] for row in segments]),
    }
    made["added_embedding"] = sum(made.values())
    x = made["embedding"] = layer_norm(made["added_embedding"], w, "embedding_norm", eps)
    seen = [[[s for s, real in enumerate(row) if real]] * len(row) for row in mask.tolist()]
    for n in range(c.n_layers):
        block = f"blocks.{n}."
        a = {"residual_before": x}
        for letter, name in (("q", "query"), ("k", "key"), ("v", "value")):
            a[letter] = heads(linear(x, w, f"{block}attention.{name}"), c.n_heads)
        a |= attend(a["q"], a["k"], a["v"], seen)
        joined = torch.cat([a["head_outputs"][:, h] for h in range(c.n_heads)], dim=-1)
        a["output"] = linear(joined, w, block + "attention.output")
        a["added"] = x + a["output"]
        x = a["residual_after"] = layer_norm(a["added"], w, block + "attention_norm", eps)
        f = {"residual_before": x, "hidden": linear(x, w, block + "feed_forward.up")}
        f["activation"] = gelu(f["hidden"])
        f["output"] = linear(f["activation"], w, block + "feed_forward.down")
        f["added"] = x + f["output"]
        x = f["residual_after"] = layer_norm(f["added"], w, block + "feed_forward_norm", eps)
        made |= {f"layers.{n}.attention.{name}": value for name, value in a.items()}
        made |= {f"layers.{n}.feed_forward.{name}": value for name, value in f.items()}
    made["pooled"] = torch.tanh(w["pooler.weight"] @ x[:, 0, :, None] + w["pooler.bias"][:, None])[..., 0]
    made["nsp_logits"] = (w["nsp_head.weight"] @ made["pooled"][..., None])[..., 0] + w["nsp_head.bias"]
    made["mlm_head.hidden"] = linear(x, w, "mlm_head.dense")
    made["mlm_head.activation"] = gelu(made["mlm_head.hidden"])
    made["mlm_head.normed"] = layer_norm(made["mlm_head.activation"], w, "mlm_head.norm", eps)
    made["logits"] = linear(made["mlm_head.normed"], w | {"d.weight": w["token_embedding.weight"]}, "d")
    made["logits"] = made["logits"] + w["mlm_head.decoder.bias"]
    return made


def test_every_number_of_the_trace_of_a_bert_with_padding_and_segments():
    torch.manual_seed(0)
    config = BertConfig(vocab_size=VOCAB, context_length=CONTEXT, n_layers=2, n_heads=2, d_model=8, d_ff=12)
    model = Bert(config).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    ids = torch.randint(0, VOCAB, (2, 7))
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [1] * 7])
    segments = torch.tensor([[0, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1]])
    recorded = trace(model, ids, mask, token_type_ids=segments)
    expected = bert_by_hand(model, ids, mask, segments)
    assert set(recorded) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(recorded[name].value, value, rtol=1e-9, atol=1e-9, msg=lambda m, n=name: n + m)
    assert recorded.attention_mask is mask
    assert recorded.token_type_ids is segments
    torch.testing.assert_close(recorded.logits_per_layer[-1], expected["logits"], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(
        model(ids, mask, token_type_ids=segments).logits, expected["logits"], rtol=1e-9, atol=1e-9
    )


@EACH
def test_every_number_of_the_trace(config):
    model, ids = build(config)
    recorded = trace(model, ids)
    expected = by_hand(model, ids)
    assert set(recorded) == set(expected)
    # RMSNorm and the rotary angles are float32 by their authors' choice
    tolerance = 1e-9 if config is GPT2 else 1e-5
    for name, value in expected.items():
        torch.testing.assert_close(
            recorded[name].value, value, rtol=tolerance, atol=tolerance, msg=lambda m, n=name: n + m
        )


@EACH
def test_logits_per_layer(config):
    model, ids = build(config)
    recorded = trace(model, ids)
    made, w = by_hand(model, ids), dict(model.state_dict())
    norm = layer_norm if config is GPT2 else rms_norm
    head = "token_embedding" if config.tie_embeddings else "head"
    stream = [made["embedding"], *(made[f"layers.{n}.feed_forward.residual_after"] for n in range(2))]
    for layer, x in enumerate(stream):
        expected = linear(norm(x, w, "final_norm", config.norm_eps), w, head)
        torch.testing.assert_close(recorded.logits_per_layer[layer], expected, rtol=1e-5, atol=1e-5)


@EACH
def test_weights_are_the_authors_too(config):
    from llmlab.hub import to_hf

    model, ids = build(config)
    model = model.float()
    theirs = to_hf(model)
    theirs.set_attn_implementation("eager")
    output = theirs(ids, output_attentions=True, output_hidden_states=True)
    recorded = trace(model, ids)
    for layer, attention in zip(recorded.layers, output.attentions, strict=True):
        torch.testing.assert_close(layer.attention.weights, attention, rtol=0, atol=1e-6)
    torch.testing.assert_close(recorded.embedding, output.hidden_states[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(recorded.final_norm, output.hidden_states[-1], rtol=0, atol=1e-5)
