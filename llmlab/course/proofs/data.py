"""Proofs about text, tokens and n-grams."""

import re

import numpy as np

from llmlab.course.proof import Measured, Proof
from llmlab.models.ngram import NGram


# 17: a language model without stop words does not know the language.
def _loss_on_whole_text(*, without_stop_words: bool) -> Measured:
    from llmlab.text.cleaning import clean
    from llmlab.text.tales import write_tales

    text = write_tales("en", characters=60_000, seed=0)
    held_out = text[-12_000:]
    learnt = clean(text[:-12_000], ("stop_words",) if without_stop_words else ())
    symbols = {character: number for number, character in enumerate(sorted(set(text) | set(learnt)))}
    ids, rest = (np.array([symbols[character] for character in part]) for part in (learnt, held_out))
    return {"loss": float(NGram(4).fit(ids, len(symbols)).loss(rest))}


# 18: an n-gram predicts from n − 1 words; only a bigram from one.
def _told_apart(order: int) -> Measured:
    """After "X a" comes b, after "Y a" comes c. How sure of b is the model after "X a"?"""
    x, y, a, b, c = range(5)
    text = np.array([x, a, b, y, a, c] * 50)
    model = NGram(order, smoothing="maximum_likelihood").fit(text, 5)
    return {"p_b_after_x_a": float(model.probabilities(np.array([x, a, b]))[2])}


# 42: what \w+ makes of Chinese.
def _pieces(pattern: str) -> Measured:
    return {"tokens": float(len(re.findall(pattern, "我昨天去了公园")))}


PROOFS = {
    17: Proof(
        check=lambda m: m["loss"] < 1.6,
        says={
            "en": "The model predicts ordinary text, in nats per character.",
            "zh": "模型能预测正常的文本（单位：nat/字符）。",
        },
        real=lambda: _loss_on_whole_text(without_stop_words=False),
        claimed=lambda: _loss_on_whole_text(without_stop_words=True),
    ),
    18: Proof(
        check=lambda m: m["p_b_after_x_a"] > 0.99,
        says={"en": "After “X a” the model is sure of b.", "zh": "在“X a”之后，模型确信下一个是 b。"},
        real=lambda: _told_apart(3),
        claimed=lambda: _told_apart(2),
    ),
    42: Proof(
        check=lambda m: m["tokens"] > 1,
        says={"en": "A Chinese clause is cut into more than one token.", "zh": "一个中文分句被切成不止一个词元。"},
        real=lambda: _pieces(r"[\u4e00-\u9fff]"),
        claimed=lambda: _pieces(r"\w+"),
    ),
}
