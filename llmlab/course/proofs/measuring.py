"""Proofs about what is measured, on which data, and at what price."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmlab.course.proof import Measured, Proof
from llmlab.course.proofs.chance import drawn, normal
from llmlab.models.gpt import GPT, GPTConfig


# 16: learning from the test set and then scoring on it.
def _jump(*, test_was_seen: bool) -> Measured:
    """Labels are coin flips: nothing can be learnt but by heart. Accuracy on the test set above that on a fresh one."""
    random = np.random.default_rng(0)
    train, test, fresh = (random.normal(size=(60, 80)) for _ in range(3))
    labels = {name: random.integers(0, 2, 60) * 2 - 1 for name in ("train", "test", "fresh")}
    x, y = (test, labels["test"]) if test_was_seen else (train, labels["train"])
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    scores = [
        float((np.sign(part @ weights) == labels[name]).mean()) for part, name in ((test, "test"), (fresh, "fresh"))
    ]
    return {"test_accuracy_above_fresh": scores[0] - scores[1]}


# 19: a loss with one term can be had for nothing.
def _loss_of_always_yes(*, both_terms: bool) -> Measured:
    labels, p = torch.tensor([1.0, 0.0, 1.0, 0.0], dtype=torch.float64), torch.tensor(1 - 1e-7, dtype=torch.float64)
    terms = -labels * p.log()
    if both_terms:
        terms = terms - (1 - labels) * (1 - p).log()
    return {"loss": float(terms.mean())}


# 22: batch norm in training lets neighbours and the future through.
def _first_position(norm: nn.Module, *, over: str) -> Measured:
    x = normal(2, 6, 8)
    changed = x.clone()
    changed[:, -1] += 3
    if over == "batch":
        a, b = (norm(v.flatten(0, 1)).view(2, 6, 8) for v in (x, changed))
    else:
        a, b = norm(x), norm(changed)
    return {"position_0_moves": float((a[:, 0] - b[:, 0]).abs().max().detach())}


# 26: dropout acts in training only.
def _train_over_validation(*, dropout: float) -> Measured:
    """Training loss as it is reported, and validation loss, of a network on data that it cannot learn by heart."""
    random, x, noise = torch.Generator().manual_seed(0), normal(4000, 10), normal(4000, seed=1)
    y = (x[:, 0] + 0.5 * x[:, 1] + 0.5 * noise > 0).float()
    first, last = drawn(nn.Linear(10, 64), std=0.18), drawn(nn.Linear(64, 1), std=0.07)
    model = nn.Sequential(first, nn.ReLU(), last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for step in range(150):
        rows = slice(step % 15 * 200, step % 15 * 200 + 200)
        kept = (torch.rand(200, 64, generator=random) >= dropout) / (1 - dropout)
        loss = F.binary_cross_entropy_with_logits(last(first(x[rows]).relu() * kept)[:, 0], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        validation = float(F.binary_cross_entropy_with_logits(model(x[3000:])[:, 0], y[3000:]))
    return {"train_loss": float(np.mean(losses[-15:])), "validation_loss": validation}


# 36: cross-entropy is the distance plus what cannot be avoided.
def _of_the_truth(*, divergence: bool) -> Measured:
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    value = (p * (p / p).log()).sum() if divergence else -(p * p.log()).sum()
    return {"of_a_perfect_model": float(value)}


# 37: what stands in the prompt changes the prediction, not the weights.
def _prompted(*, tuned: bool) -> Measured:
    model = drawn(GPT(GPTConfig(vocab_size=20, context_length=16, n_layers=1, n_heads=2, d_model=16)))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    if tuned:
        loss = F.cross_entropy(model(torch.tensor([[1, 2, 3]])).logits[0], torch.tensor([2, 3, 4]))
        loss.backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    with torch.no_grad():
        shots, none = (model(torch.tensor([ids])).logits[0, -1] for ids in ([1, 5, 2, 5, 3], [3]))
    moved = max(float((a - b.detach()).abs().max()) for a, b in zip(before, model.parameters(), strict=True))
    return {"weights_move": moved, "prediction_moves": float((shots - none).abs().max())}


# 38: shared layers save memory, not work.
def _albert_beside_bert(*, shared: bool) -> Measured:
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AlbertConfig, AlbertModel, BertConfig, BertModel

    def measure(model: nn.Module) -> tuple[int, int]:
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model(torch.zeros(1, 64, dtype=torch.long, device="meta"))
        return sum(p.numel() for p in model.parameters()), counter.get_total_flops()

    with torch.device("meta"):
        bert = BertModel(BertConfig())
        # ALBERT-base (Lan et al. 2020, table 1), or the same without sharing
        albert = AlbertModel(
            AlbertConfig(
                hidden_size=768, num_attention_heads=12, intermediate_size=3072, num_hidden_groups=1 if shared else 12
            )
        )
    (many, work), (few, same) = measure(bert), measure(albert)
    return {"parameters_of_bert": few / many, "flops_of_bert": same / work}


# 40: zeros in a dense tensor take as many bytes.
def _pruned(*, sparse: bool) -> Measured:
    weight = normal(512, 512)
    kept = torch.where(weight.abs() >= weight.abs().flatten().kthvalue(int(0.9 * weight.numel())).values, weight, 0.0)
    if sparse:
        where = kept.to_sparse_csr()
        size = sum(part.nbytes for part in (where.values(), where.col_indices().int(), where.crow_indices().int()))
    else:
        size = kept.nbytes
    return {"zeros": float((kept == 0).float().mean()), "bytes_of_before": size / weight.nbytes}


# 41: a grid tries few values of what matters (Bergstra and Bengio 2012).
def _random_wins(*, relevant: int) -> Measured:
    """Two settings, 16 tries: how often random search ends nearer to the best than a grid of 4 × 4 does."""
    random, wins, rounds = np.random.default_rng(0), 0, 400
    grid = np.stack(np.meshgrid(*[(np.arange(4) + 0.5) / 4] * 2), -1).reshape(-1, 2)
    for _ in range(rounds):
        best = random.random(2)

        def miss(tries: np.ndarray, best: np.ndarray = best) -> float:
            return float(np.abs(tries - best)[:, :relevant].max(-1).min())

        wins += miss(random.random((16, 2))) < miss(grid)
    return {"random_wins": wins / rounds}


# 43: the best of many looks better on what chose it.
def _chosen(*, by_validation: bool) -> Measured:
    random = np.random.default_rng(0)
    validation, test = (random.binomial(100, 0.5, size=(200, 50)) / 100 for _ in range(2))  # 200 times 50 random models
    chosen = validation.argmax(1) if by_validation else np.zeros(200, dtype=int)
    rows = np.arange(200)
    return {"validation_above_test": float((validation[rows, chosen] - test[rows, chosen]).mean())}


# 44: a gradient tells which words were read.
def _rows_touched(*, noise: float) -> Measured:
    table, head = drawn(nn.Embedding(1000, 16), std=1.0), drawn(nn.Linear(16, 2))
    secret = [17, 404, 923]
    F.cross_entropy(head(table(torch.tensor(secret)).mean(0))[None], torch.tensor([1])).backward()
    assert table.weight.grad is not None
    seen: Tensor = table.weight.grad + noise * normal(1000, 16, seed=2)
    top = seen.norm(dim=-1).topk(3).indices.tolist()
    return {"words_recovered_of_3": float(len(set(top) & set(secret)))}


_batch_norm: Callable[[], Measured] = lambda: _first_position(nn.BatchNorm1d(8), over="batch")  # noqa: E731

PROOFS = {
    16: Proof(
        check=lambda m: m["test_accuracy_above_fresh"] < 0.2,
        says={
            "en": "The test score is what a fresh set would give, to 0.2.",
            "zh": "测试集得分与全新数据上的得分相差不到 0.2。",
        },
        real=lambda: _jump(test_was_seen=False),
        claimed=lambda: _jump(test_was_seen=True),
    ),
    19: Proof(
        check=lambda m: m["loss"] > 1,
        says={
            "en": "Answering “yes” to everything costs something, though half of the answers are wrong.",
            "zh": "对所有样本都答“是”（其中一半是错的）会付出代价。",
        },
        real=lambda: _loss_of_always_yes(both_terms=True),
        claimed=lambda: _loss_of_always_yes(both_terms=False),
    ),
    22: Proof(
        check=lambda m: m["position_0_moves"] == 0,
        says={
            "en": "A changed last token leaves the first position alone.",
            "zh": "改动最后一个词元，第一个位置不受影响。",
        },
        real=lambda: _first_position(nn.LayerNorm(8), over="position"),
        claimed=_batch_norm,
    ),
    26: Proof(
        check=lambda m: m["train_loss"] > m["validation_loss"] + 0.01,
        says={
            "en": "With the same split, the reported training loss is above the validation loss.",
            "zh": "数据划分不变，报告的训练损失高于验证损失。",
        },
        real=lambda: _train_over_validation(dropout=0.8),
        claimed=lambda: _train_over_validation(dropout=0.0),
    ),
    36: Proof(
        check=lambda m: abs(m["of_a_perfect_model"]) < 1e-12,
        says={
            "en": "A model that predicts the truth is at distance zero.",
            "zh": "预测分布与真实分布完全一致时，距离为零。",
        },
        real=lambda: _of_the_truth(divergence=True),
        claimed=lambda: _of_the_truth(divergence=False),
    ),
    37: Proof(
        check=lambda m: m["weights_move"] == 0 and m["prediction_moves"] > 0.01,
        says={
            "en": "Examples in the prompt change what is predicted, and no weight.",
            "zh": "提示里的示例改变了预测，但没有改动任何权重。",
        },
        real=lambda: _prompted(tuned=False),
        claimed=lambda: _prompted(tuned=True),
    ),
    38: Proof(
        check=lambda m: m["parameters_of_bert"] < 0.15 and m["flops_of_bert"] > 0.95,
        says={
            "en": "A ninth of BERT's parameters, and as much work for a sentence.",
            "zh": "参数约为 BERT 的九分之一，而处理一个句子的计算量相同。",
        },
        real=lambda: _albert_beside_bert(shared=True),
        claimed=lambda: _albert_beside_bert(shared=False),
    ),
    40: Proof(
        check=lambda m: m["zeros"] > 0.89 and m["bytes_of_before"] == 1,
        says={
            "en": "Nine tenths of the weights are zero, and the tensor takes as many bytes as before.",
            "zh": "九成权重已是零，张量占用的字节数却没有变。",
        },
        real=lambda: _pruned(sparse=False),
        claimed=lambda: _pruned(sparse=True),
    ),
    41: Proof(
        check=lambda m: m["random_wins"] > 0.65,
        says={
            "en": "Where one of two settings matters, random search usually ends nearer to the best.",
            "zh": "两个超参数中只有一个起作用时，随机搜索通常更接近最优。",
        },
        real=lambda: _random_wins(relevant=1),
        claimed=lambda: _random_wins(relevant=2),
    ),
    43: Proof(
        check=lambda m: m["validation_above_test"] < 0.02,
        says={
            "en": "The reported score is what a test would give, to 0.02.",
            "zh": "报告的得分与测试得分相差不到 0.02。",
        },
        real=lambda: _chosen(by_validation=False),
        claimed=lambda: _chosen(by_validation=True),
    ),
    44: Proof(
        check=lambda m: m["words_recovered_of_3"] == 3,
        says={
            "en": "Whoever gets only the gradient can tell which words were read.",
            "zh": "只拿到梯度的一方，也能认出读过哪些词。",
        },
        real=lambda: _rows_touched(noise=0.0),
        claimed=lambda: _rows_touched(noise=1.0),
    ),
}
