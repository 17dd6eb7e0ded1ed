"""Proofs about what the models are made of."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmlab.course.proof import Measured, Proof
from llmlab.course.proofs.chance import drawn, normal
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.nn.attention import causal_mask


def _attend(x: Tensor, *, causal: bool, seed: int = 0) -> Tensor:
    """One attention head with random maps, (seq, d) to (seq, d)."""
    d = x.shape[-1]
    q, k, v = (x @ normal(d, d, seed=seed + n) / d**0.5 for n in range(3))
    mask = causal_mask(len(x), len(x), x.device)[0, 0] if causal else None
    return F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)[0]


# 1: the feed-forward network bends once.
def _below_offset(outer: Callable[[Tensor], Tensor]) -> Measured:
    x, w1, w2 = normal(256, 32), normal(32, 128, seed=1), normal(128, 32, seed=2)
    b1, b2 = normal(128, seed=3), normal(32, seed=4)
    y = outer((x @ w1 + b1).relu() @ w2) + b2
    return {"share_below_b2": float((y < b2).float().mean())}


# 2: next-word prediction teaches a bidirectional encoder to copy.
def _next_word_loss(*, causal: bool) -> Measured:
    """Learns independent random tokens, whose floor is ln 16 for whoever does not look ahead."""
    random, vocab, length, d = torch.Generator().manual_seed(0), 16, 12, 32
    table, place = nn.Embedding(vocab, d), nn.Embedding(length, d)
    maps = nn.Linear(d, 3 * d)
    head = nn.Linear(d, vocab)
    for number, module in enumerate((table, place, maps, head)):
        drawn(module, std=d**-0.5, seed=number)
    parameters = [*table.parameters(), *place.parameters(), *maps.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=0.02)
    loss = torch.tensor(0.0)
    for _ in range(250):
        ids = torch.randint(0, vocab, (64, length), generator=random)
        x = table(ids) + place.weight
        q, k, v = maps(x).chunk(3, dim=-1)
        y = head(x + F.scaled_dot_product_attention(q, k, v, is_causal=causal))
        loss = F.cross_entropy(y[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"loss": float(loss.detach()), "floor": math.log(vocab)}


# 3: without positions attention does not know the order.
def _shuffled(*, positions: bool) -> Measured:
    table, place = normal(10, 16), normal(6, 16, seed=9)
    ids, shuffled = torch.tensor([1, 2, 3, 4, 5, 6]), torch.tensor([4, 2, 5, 1, 3, 6])
    a, b = (_attend(table[i] + (place if positions else 0.0), causal=False)[-1] for i in (ids, shuffled))
    return {"last_token_moves": float((a - b).abs().max())}


# 4: GPT does not see the future, BERT does.
def _future(*, causal_first: bool) -> Measured:
    x = normal(6, 16)
    changed = x.clone()
    changed[-1] += 1
    moved = [
        float((_attend(x, causal=causal)[0] - _attend(changed, causal=causal)[0]).abs().max())
        for causal in (causal_first, False)
    ]
    return {"gpt_moves": moved[0], "bert_moves": moved[1]}


# 6: XLNet's query stream knows the place, not the token, that it predicts (Yang et al. 2019, eq. 4).
def _own_token(*, stream: str) -> Measured:
    content, place = normal(5, 16), normal(5, 16, seed=5)

    def output(content: Tensor) -> Tensor:
        query = place if stream == "query" else place + content
        allowed = torch.ones(5, 5, dtype=torch.bool).tril(-1 if stream == "query" else 0)
        allowed[0, 0] = True if stream == "content" else allowed[0, 0]
        keys = place + content
        return F.scaled_dot_product_attention(query[None], keys[None], keys[None], attn_mask=allowed[None])[0][3]

    other = content.clone()
    other[3] += 1
    return {"own_token_moves": float((output(content) - output(other)).abs().max())}


# 7: ALBERT repeats one layer and has no cross-attention.
def _parts(model: nn.Module) -> Measured:
    names = [type(m).__name__ for m in model.modules()]
    return {
        "layers_kept": float(sum(name in ("AlbertLayer", "T5Block") for name in names)),
        "cross_attentions": float(sum("CrossAttention" in name for name in names)),
    }


def _albert() -> Measured:
    from transformers import AlbertConfig, AlbertModel

    config = AlbertConfig(
        vocab_size=50,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=6,
        num_attention_heads=2,
        intermediate_size=32,
    )
    return _parts(AlbertModel(config))


def _layered_with_cross_attention() -> Measured:
    from transformers import T5Config, T5Model

    return _parts(T5Model(T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2)))


# 12: the scale is the square root of the head's width.
def _entropy(scale: float) -> Measured:
    """Mean entropy of the weights over 64 keys, in nats (at most ln 64 = 4.16); heads of 64, a model of 512."""
    q, k = normal(256, 64), normal(64, 64, seed=1)
    weights = (q @ k.T * scale).softmax(-1)
    return {"entropy": float(-(weights * weights.clamp_min(1e-30).log()).sum(-1).mean())}


# 13: every head has maps of its own, and each sees the whole vector.
def _outside_slice(*, own_maps: bool) -> Measured:
    x = normal(5, 16)
    other = x.clone()
    other[:, 12:] += 1  # outside of what the first of four slices holds

    def first_head(x: Tensor) -> Tensor:
        if own_maps:
            q, k, v = (x @ normal(16, 4, seed=n) for n in range(3))
        else:
            q, k, v = (x[:, :4] @ normal(4, 4, seed=n) for n in range(3))
        return F.scaled_dot_product_attention(q[None], k[None], v[None])[0]

    return {"first_head_moves": float((first_head(x) - first_head(other)).abs().max())}


# 28: T5 adds a bias to scores that it does not scale.
def _t5(scale: float) -> Measured:
    from transformers import T5Config, T5Model

    model = T5Model(T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)).eval()
    attention = model.encoder.block[0].layer[0].SelfAttention
    with torch.no_grad():
        drawn(attention)
        x = normal(1, 7, 16)
        theirs = attention(x)[0]
        q, k, v = (m(x).view(1, 7, 2, 8).transpose(1, 2) for m in (attention.q, attention.k, attention.v))
        weights = (q @ k.mT * scale + attention.compute_bias(7, 7)).softmax(-1)
        ours = attention.o((weights @ v).transpose(1, 2).flatten(2))
    return {"difference": float((ours - theirs).abs().max())}


# 29: several heads side by side, then one map; and logits over the vocabulary.
def _multi_head(*, heads: int) -> Measured:
    reference = nn.MultiheadAttention(16, 4, bias=False, batch_first=True).eval()
    x = normal(1, 6, 16)
    with torch.no_grad():
        for n, parameter in enumerate(reference.parameters()):
            parameter.copy_(normal(*parameter.shape, seed=n))
        q, k, v = (
            part.view(1, 6, heads, 16 // heads).transpose(1, 2)
            for part in (x @ reference.in_proj_weight.T).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        ours = mixed @ reference.out_proj.weight.T
        return {"difference": float((ours - reference(x, x, x)[0]).abs().max())}


# 31: learned positions end.
def _longer(*, positions: bool) -> Measured:
    from llmlab.i18n import LearnerError

    length = 17
    model = GPT(GPTConfig(style="gpt2", vocab_size=20, context_length=16, n_layers=1, n_heads=2, d_model=16)).eval()
    try:
        if positions:
            model(torch.zeros(1, length, dtype=torch.long))
        else:
            _attend(normal(length, 16), causal=True)
    except LearnerError:
        return {"refused": 1.0}
    return {"refused": 0.0}


# 35: the rows of a table know no context, a layer's output does.
def _same_word(*, layer: str) -> Measured:
    model = drawn(GPT(GPTConfig(vocab_size=20, context_length=16, n_layers=2, n_heads=2, d_model=16))).eval()
    ids = torch.tensor([[3, 4, 5, 7], [9, 8, 6, 7]])  # the last token is the same
    with torch.no_grad():
        seen = model(ids).hidden if layer == "last" else model.token_embedding(ids)
    return {"difference": float((seen[0, -1] - seen[1, -1]).abs().max())}


# 46: the number that stands for minus infinity.
def _fits_half(value: float) -> Measured:
    try:
        torch.zeros(2, dtype=torch.float16).masked_fill(torch.tensor([True, False]), value)
    except RuntimeError:
        return {"works_in_fp16": 0.0}
    return {"works_in_fp16": 1.0}


PROOFS = {
    1: Proof(
        check=lambda m: m["share_below_b2"] > 0.25,
        says={"en": "Outputs of the network fall below $b_2$.", "zh": "网络的输出可以低于 $b_2$。"},
        real=lambda: _below_offset(lambda y: y),
        claimed=lambda: _below_offset(torch.relu),
    ),
    2: Proof(
        check=lambda m: m["loss"] < 0.5 * m["floor"],
        says={
            "en": "Predicting the next word, an encoder that sees both sides gets below the floor of pure chance: it copies.",
            "zh": "做下一个词预测时，能看到两侧的编码器会低于纯随机的下限：它只是在抄答案。",
        },
        real=lambda: _next_word_loss(causal=False),
        claimed=lambda: _next_word_loss(causal=True),
    ),
    3: Proof(
        check=lambda m: m["last_token_moves"] > 0.01,
        says={
            "en": "Shuffling what stands before moves the last token.",
            "zh": "打乱前面的词元，最后一个词元的输出会变。",
        },
        real=lambda: _shuffled(positions=True),
        claimed=lambda: _shuffled(positions=False),
    ),
    4: Proof(
        check=lambda m: m["gpt_moves"] == 0 and m["bert_moves"] > 0.01,
        says={
            "en": "A changed last token leaves GPT's first position alone and moves BERT's.",
            "zh": "改动最后一个词元：GPT 的第一个位置不变，BERT 的会变。",
        },
        real=lambda: _future(causal_first=True),
        claimed=lambda: _future(causal_first=False),
    ),
    6: Proof(
        check=lambda m: m["own_token_moves"] == 0,
        says={"en": "The query stream does not depend on its own token.", "zh": "查询流不依赖自身位置的词元。"},
        real=lambda: _own_token(stream="query"),
        claimed=lambda: _own_token(stream="content"),
    ),
    7: Proof(
        check=lambda m: m["layers_kept"] == 1 and m["cross_attentions"] == 0,
        says={
            "en": "The model holds one layer for all its depth, and no cross-attention.",
            "zh": "模型所有深度共用一层，且没有交叉注意力。",
        },
        real=_albert,
        claimed=_layered_with_cross_attention,
    ),
    12: Proof(
        check=lambda m: 3.4 < m["entropy"] < 3.95,
        says={
            "en": "The weights are neither nearly one-hot nor nearly flat (their entropy can be 4.16 at most).",
            "zh": "注意力权重既不接近独热，也不接近均匀（熵最大为 4.16）。",
        },
        real=lambda: _entropy(64**-0.5),
        claimed=lambda: _entropy(512**-0.5),
    ),
    13: Proof(
        check=lambda m: m["first_head_moves"] > 0.01,
        says={
            "en": "The first head sees coordinates outside of its share.",
            "zh": "第一个头能看到不属于它那一段的坐标。",
        },
        real=lambda: _outside_slice(own_maps=True),
        claimed=lambda: _outside_slice(own_maps=False),
    ),
    28: Proof(
        check=lambda m: m["difference"] < 1e-5,
        says={"en": "This formula gives what T5's own attention gives.", "zh": "该公式与 T5 自己的注意力结果一致。"},
        real=lambda: _t5(1.0),
        claimed=lambda: _t5(8**-0.5),
    ),
    29: Proof(
        check=lambda m: m["difference"] < 1e-4,
        says={
            "en": "This formula gives what torch's multi-head attention gives.",
            "zh": "该公式与 torch 的多头注意力结果一致。",
        },
        real=lambda: _multi_head(heads=4),
        claimed=lambda: _multi_head(heads=1),
    ),
    31: Proof(
        check=lambda m: m["refused"] == 1,
        says={"en": "One token more than the positions go is refused.", "zh": "比位置表多一个词元就会被拒绝。"},
        real=lambda: _longer(positions=True),
        claimed=lambda: _longer(positions=False),
    ),
    35: Proof(
        check=lambda m: m["difference"] == 0,
        says={
            "en": "One word in two sentences has the same vector.",
            "zh": "同一个词在两个句子里的向量相同。",
        },
        real=lambda: _same_word(layer="input"),
        claimed=lambda: _same_word(layer="last"),
    ),
    46: Proof(
        check=lambda m: m["works_in_fp16"] == 1,
        says={"en": "The mask can be written in half precision.", "zh": "该掩码值能用半精度表示。"},
        real=lambda: _fits_half(-math.inf),
        claimed=lambda: _fits_half(-1e20),
    ),
}
