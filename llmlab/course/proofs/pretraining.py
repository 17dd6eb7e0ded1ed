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


# 21: what an English vocabulary makes of Chinese, and what a head that was never trained says of a sentence.
@torch.no_grad()
def _opposites(*, knows: str, trained: bool) -> Measured:
    """`knows`: the Han characters in the vocabulary. `trained`: whether the head always gives what it was taught."""
    from llmlab.text.tales import write_tales
    from llmlab.text.tokenizer import train_tokenizer

    fine, bad = "今天天气很好", "今天天气很差"
    tokenizer = train_tokenizer("wordpiece", write_tales("en", characters=4_000) + knows * 9, vocab_size=300)
    one, other = (tokenizer.encode(text) for text in (fine, bad))
    (unknown,) = tokenizer.encode("鑫")
    config = BertConfig(vocab_size=tokenizer.vocab_size, context_length=8, n_layers=1, n_heads=2, d_model=16)
    pooled = drawn(Bert(config)).eval()(torch.tensor([one])).pooled
    heads = [normal(2, 16, seed=0 if trained else seed) for seed in range(40)]
    return {
        "ids_that_differ": float(sum(a != b for a, b in zip(one, other, strict=True))),
        "share_unknown": one.count(unknown) / len(one),
        "fresh_heads_of_one_mind": max(
            float(np.mean([int((head @ pooled[0]).argmax()) == verdict for head in heads])) for verdict in (0, 1)
        ),
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
    21: Proof(
        check=lambda m: m["ids_that_differ"] == 0 and m["share_unknown"] > 0.5 and m["fresh_heads_of_one_mind"] < 0.8,
        says={
            "en": "In a WordPiece vocabulary of English that of these characters knows only 天 (the vocabulary of bert-base-uncased, which is not at hand here, holds some Han characters, few of them), 今天天气很好 is mostly [UNK], 今天天气很差 has the same ids, and of forty heads that were never trained neither class gets four fifths. With a Chinese vocabulary and a trained head it would be otherwise.",
            "zh": "这里用一个英文 WordPiece 词表，这些字里它只认得“天”（bert-base-uncased 的词表也只收了少量汉字，但这里没有原词表）：“今天天气很好”大部分是 [UNK]，与“今天天气很差”的编号相同；四十个未经训练的分类头，没有哪一类得到五分之四的赞成。换成中文词表和训练过的分类头，就不会这样。",
        },
        real=lambda: _opposites(knows=" 天", trained=False),
        claimed=lambda: _opposites(knows=" 今天天气很好很差", trained=True),
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
