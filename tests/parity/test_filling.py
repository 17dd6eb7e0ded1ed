"""Filled blanks against transformers' own fill-mask pipeline."""

import pytest
import torch
from transformers import pipeline

from llmlab import hub
from llmlab.generation import fill
from llmlab.i18n import LearnerError
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tales import write_tales
from llmlab.text.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def opened():
    torch.manual_seed(0)
    tokenizer = train_tokenizer("wordpiece", write_tales("en", characters=20_000), vocab_size=300)
    model = Bert(BertConfig(vocab_size=300, context_length=32, n_layers=2, n_heads=2, d_model=16)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model, tokenizer


def test_candidates_are_those_of_the_pipeline(opened, tmp_path):
    model, tokenizer = opened
    hub.save(model, tokenizer, tmp_path)
    theirs = pipeline("fill-mask", str(tmp_path), top_k=7)("The cat [MASK] on the mat.")
    (blank,) = fill(model, tokenizer, "The cat [MASK] on the mat.", top=7).blanks
    assert [c.token_id for c in blank.candidates] == [found["token"] for found in theirs]
    assert [c.probability for c in blank.candidates] == pytest.approx([found["score"] for found in theirs], abs=1e-5)
    assert [blank.rank(c.token_id) for c in blank.candidates] == list(range(1, 8))


def test_two_blanks_and_two_sentences(opened):
    model, tokenizer = opened
    filled = fill(model, tokenizer, "[MASK] cat [SEP] a [MASK]", top=1)
    ids = torch.tensor([filled.token_ids])
    second = filled.token_ids.index(tokenizer.sep_id) + 1
    segments = torch.tensor([[0] * second + [1] * (ids.shape[1] - second)])
    logits = model(ids, token_type_ids=segments).logits[0]
    for blank in filled.blanks:
        assert blank.candidates[0].token_id == int(logits[blank.position].argmax())
    assert "[MASK]" not in filled.text


def test_what_cannot_be_filled(opened):
    model, tokenizer = opened
    with pytest.raises(LearnerError, match="no blank"):
        fill(model, tokenizer, "the cat")
    with pytest.raises(LearnerError, match="32"):
        fill(model, tokenizer, "[MASK] " * 40)
    with pytest.raises(LearnerError, match="left to right"):
        fill(GPT(GPTConfig(vocab_size=300)), tokenizer, "[MASK]")
