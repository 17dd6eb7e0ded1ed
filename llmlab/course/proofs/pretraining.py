"""Proofs about what models learn from, and what they then can and cannot do."""

from itertools import product

import numpy as np
import torch
import torch.nn.functional as F

from llmlab.course.proof import Measured, Proof
from llmlab.course.proofs.chance import drawn, normal
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig


# 5: only a left-to-right model has a probability for a text, and so for how it goes on.
@torch.no_grad()
def _all_texts(writer: str) -> Measured:
    """The probabilities of every text of three of four tokens, as the writer's own predictions multiply up, summed."""
    vocab, mask = 4, 4
    texts = torch.tensor(list(product(range(vocab), repeat=3)))  # (64, 3)
    total = torch.ones(len(texts))
    if writer == "gpt":
        gpt = drawn(GPT(GPTConfig(vocab_size=5, context_length=4, n_layers=1, n_heads=2, d_model=16)), std=0.6).eval()
        begun = torch.cat((torch.full((len(texts), 1), mask), texts), dim=1)
        p = gpt(begun).logits[:, :-1, :vocab].softmax(-1)
        total = p.gather(-1, texts[..., None]).prod(1)[:, 0]
    else:
        bert = drawn(
            Bert(BertConfig(vocab_size=5, context_length=4, n_layers=1, n_heads=2, d_model=16)), std=0.6
        ).eval()
        for place in range(3):
            hidden = texts.clone()
            hidden[:, place] = mask
            p = bert(hidden).logits[:, place, :vocab].softmax(-1)
            total = total * p.gather(-1, texts[:, place, None])[:, 0]
    return {"sum_over_all_texts": float(total.sum())}


# 8: FLARE asks for documents where the model that it runs is unsure (Jiang et al. 2023, eq. 5).
def _asks(*, threshold: float) -> Measured:
    from llmlab import hub
    from llmlab.generation import next_distribution

    model, tokenizer = hub.load("shakespeare-gpt")
    assert isinstance(model, GPT)

    def retrieves(text: str) -> float:
        return float(next_distribution(model, tokenizer, text, top=1).probabilities[0] < threshold)

    return {"retrieves_when_sure": retrieves("To be, or not t"), "retrieves_when_unsure": retrieves("I know thee, ")}


# 21: what an English vocabulary makes of Chinese.
def _opposites(vocabulary: str) -> Measured:
    from llmlab import hub
    from llmlab.text.tokenizer import train_tokenizer

    fine, bad = "今天天气很好", "今天天气很差"
    tokenizer = hub.load("tales-bert")[1] if vocabulary == "english" else train_tokenizer("wordpiece", f"{fine} {bad}")
    one, other = (tokenizer.encode(text) for text in (fine, bad))
    return {"ids_that_differ": float(sum(a != b for a, b in zip(one, other, strict=True)))}


# 33: knowledge sits in the weights; a store beside the model is an addition (Khandelwal et al. 2020, eq. 3).
@torch.no_grad()
def _edited(*, share_of_store: float) -> Measured:
    model = drawn(GPT(GPTConfig(vocab_size=12, context_length=8, n_layers=1, n_heads=2, d_model=16))).eval()
    ids = torch.tensor([[3, 1, 4, 1]])
    keys = normal(20, 16, seed=1)

    def predicted(stored: torch.Tensor) -> torch.Tensor:
        out = model(ids)
        near = (-torch.cdist(out.hidden[0, -1:], keys)[0]).softmax(-1)
        from_store = torch.zeros(12).index_add(0, stored, near)
        mixed: torch.Tensor = (1 - share_of_store) * out.logits[0, -1].softmax(-1) + share_of_store * from_store
        return mixed

    before, after = predicted(torch.arange(20) % 12), predicted((torch.arange(20) + 5) % 12)
    drawn(model, seed=1)
    return {
        "moves_with_the_store": float((before - after).abs().max()),
        "moves_with_the_weights": float((before - predicted(torch.arange(20) % 12)).abs().max()),
    }


# 34: what a masked model reads of the tokens that it must name.
def _asked(*, all_hidden: bool) -> Measured:
    from llmlab.text.masking import UNASKED, mask_tokens

    ids = np.arange(20_000) % 100
    read, labels = mask_tokens(
        ids, np.ones(len(ids), dtype=bool), np.random.default_rng(0), mask_id=100, others=np.arange(100)
    )
    asked = labels != UNASKED
    if all_hidden:
        read[asked] = 100
    return {
        "share_masked": float((read[asked] == 100).mean()),
        "share_visible": float((read[asked] == ids[asked]).mean()),
    }


# 47: two languages side by side, or only each by itself.
def _translates(*, parallel: bool) -> Measured:
    """A language of 8 words, and its twin in 8 others. How often is a sentence of two words translated rightly?"""
    random = torch.Generator().manual_seed(0)
    twin = torch.randperm(8, generator=random) + 8
    model = drawn(GPT(GPTConfig(vocab_size=17, context_length=8, n_layers=2, n_heads=2, d_model=32)), std=0.15)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)

    def lines(count: int, *, paired: bool) -> torch.Tensor:
        first, second = (torch.randint(0, 8, (count, 2), generator=random) for _ in range(2))
        if paired:
            return torch.cat((first, torch.full((count, 1), 16), twin[first]), dim=1)
        both = torch.cat((first, torch.full((count, 1), 16), second), dim=1)  # two sentences of one language
        other = torch.cat((twin[first], torch.full((count, 1), 16), twin[second]), dim=1)
        return torch.where(torch.rand(count, 1, generator=random) < 0.5, both, other)

    for _ in range(60):
        batch = lines(32, paired=parallel)
        loss = F.cross_entropy(model(batch[:, :-1]).logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    test = lines(200, paired=True)
    with torch.no_grad():
        found = model(test[:, :-1]).logits[:, 2:].argmax(-1)
    return {"translated_rightly": float((found == test[:, 3:]).float().mean())}


PROOFS = {
    5: Proof(
        check=lambda m: abs(m["sum_over_all_texts"] - 1) < 1e-4,
        says={
            "en": "The probabilities of all texts of three tokens add up to one, so that the model can write. A GPT's do; those of a BERT, the writer of the article, do not.",
            "zh": "所有三个词元的文本，其概率之和为一，因此模型可以用来写作。GPT 满足这一点；文章里用来写作的 BERT 不满足。",
        },
        real=lambda: _all_texts("gpt"),
        claimed=lambda: _all_texts("bert"),
    ),
    8: Proof(
        check=lambda m: m["retrieves_when_sure"] == 0 and m["retrieves_when_unsure"] == 1,
        says={
            "en": "One and the same model is sent to look things up where it is unsure, and only there. Run as a plain model it never is.",
            "zh": "同一个模型，只有在没有把握的地方才会去检索；当作普通模型运行时，从不检索。",
        },
        real=lambda: _asks(threshold=0.5),
        claimed=lambda: _asks(threshold=0.0),
    ),
    21: Proof(
        check=lambda m: m["ids_that_differ"] == 0,
        says={
            "en": "In an English vocabulary (that of the BERT of the Tales) 今天天气很好 and 今天天气很差 are the same ids: whatever is computed from them, the two get one class.",
            "zh": "在英文词表（这里用 Tales BERT 的词表）里，“今天天气很好”和“今天天气很差”的编号完全相同：不管后面怎样计算，两句话只能得到同一个类别。",
        },
        real=lambda: _opposites("english"),
        claimed=lambda: _opposites("chinese"),
    ),
    33: Proof(
        check=lambda m: m["moves_with_the_store"] == 0 and m["moves_with_the_weights"] > 0.01,
        says={
            "en": "Editing a store beside the model changes nothing that it predicts; changing its weights does.",
            "zh": "改动模型之外的存储，预测不变；改动权重，预测才变。",
        },
        real=lambda: _edited(share_of_store=0.0),
        claimed=lambda: _edited(share_of_store=0.5),
    ),
    34: Proof(
        check=lambda m: 0.75 < m["share_masked"] < 0.85 and m["share_visible"] > 0.05,
        says={
            "en": "Of the tokens to be named four fifths are masked, and some stand there to be seen.",
            "zh": "要预测的词元中约五分之四被遮住，还有一些就摆在那里。",
        },
        real=lambda: _asked(all_hidden=False),
        claimed=lambda: _asked(all_hidden=True),
    ),
    47: Proof(
        check=lambda m: m["translated_rightly"] < 0.3,
        says={
            "en": "Having read each language only by itself, a GPT does not translate. Had it read them side by side, it would.",
            "zh": "只分别读过两种语言的 GPT 不会翻译；读过对照文本的才会。",
        },
        real=lambda: _translates(parallel=False),
        claimed=lambda: _translates(parallel=True),
    ),
}
