"""Pretrained models opened in our classes, beside transformers on the same folders, in float32."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from llmlab import hub
from llmlab.generation.chat import Chat
from llmlab.generation.config import SamplingConfig
from llmlab.models.bert import Bert
from llmlab.models.build import Model
from llmlab.models.gpt import GPT
from llmlab.models.sentence_embedding import sentence_embeddings
from llmlab.text.chat import Message, chat_text
from llmlab.text.tokenizer import Tokenizer

pytestmark = pytest.mark.real_model

ENCODERS = ("minilm", "e5-multilingual")
TEXT = "The cat sat on the mat because it was tired. In 2024,  12 more did.\n"
SENTENCES = [
    "The cat sleeps on the sofa.",
    "猫在沙发上睡觉。",
    "Stock prices fell sharply today.",
    "今天股价大幅下跌。",
]
TALK = [Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "What is a token?\n")]


def folder_of(name: str) -> Path:
    if not hub.is_local(name) and os.environ.get("LLMLAB_MODELS") != "required":
        pytest.skip(f"comes back after `python -m llmlab fetch {name}`")
    return hub.fetch(name)


@cache
def ours(name: str) -> tuple[Model, Tokenizer]:
    model, tokenizer = hub.load(folder_of(name))
    return model.float(), tokenizer


@cache
def theirs(name: str) -> tuple[Any, Any]:
    auto = AutoModelForCausalLM if name == "smollm2" else AutoModel
    words = {} if name == "smollm2" else {"add_pooling_layer": name == "minilm"}
    model = auto.from_pretrained(folder_of(name), dtype=torch.float32, **words).eval()
    return model, AutoTokenizer.from_pretrained(folder_of(name))


@torch.inference_mode()
def test_smollm2_computes_what_transformers_computes() -> None:
    model, tokenizer = ours("smollm2")
    reference, words = theirs("smollm2")
    assert isinstance(model, GPT)
    assert (model.config.n_kv_heads, model.config.head_dim, model.config.qk_norm) == (3, 64, False)
    ids = tokenizer.encode(TEXT)
    assert ids == words(TEXT).input_ids
    batch = torch.tensor([ids])
    torch.testing.assert_close(model(batch).logits, reference(batch).logits, rtol=0, atol=1e-4)


def test_smollm2_knows_its_chat_template() -> None:
    _, tokenizer = ours("smollm2")
    _, words = theirs("smollm2")
    for talk in (TALK, [Message("system", "Be brief."), *TALK]):
        expected = words.apply_chat_template([vars(m) for m in talk], tokenize=False, add_generation_prompt=True)
        assert chat_text(tokenizer, talk) == expected


def test_smollm2_answers_as_transformers_lets_it_answer() -> None:
    model, tokenizer = ours("smollm2")
    reference, words = theirs("smollm2")
    question = "What is the capital of France?"
    assert isinstance(model, GPT)
    steps = list(Chat(model, tokenizer).reply(question, max_new_tokens=20, sampling=SamplingConfig(temperature=0)))
    asked = words.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    answered = reference.generate(**asked, max_new_tokens=20, do_sample=False)[0, asked["input_ids"].shape[1] :]
    assert [step.token_id for step in steps] == answered.tolist()
    assert "Paris" in "".join(step.text for step in steps)
    assert steps[-1].token_id == tokenizer.eos_id


@pytest.mark.parametrize("name", ENCODERS)
@torch.inference_mode()
def test_encoders_compute_what_transformers_computes(name: str) -> None:
    model, tokenizer = ours(name)
    reference, words = theirs(name)
    assert isinstance(model, Bert)
    batch = words(SENTENCES, padding=True, return_tensors="pt")
    for sentence, ids, mask in zip(SENTENCES, batch["input_ids"], batch["attention_mask"], strict=True):
        assert tokenizer.encode_framed(sentence) == ids[mask.bool()].tolist()
    found, expected = model(batch["input_ids"], batch["attention_mask"]), reference(**batch)
    real = batch["attention_mask"].bool()
    torch.testing.assert_close(found.hidden[real], expected.last_hidden_state[real], rtol=0, atol=1e-4)
    assert (found.pooled is None) == (expected.pooler_output is None)
    if found.pooled is not None:
        torch.testing.assert_close(found.pooled, expected.pooler_output, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ENCODERS)
@torch.inference_mode()
def test_sentence_vectors_are_those_of_the_published_recipe(name: str) -> None:
    model, tokenizer = ours(name)
    reference, words = theirs(name)
    assert isinstance(model, Bert)
    prefix = hub.entry(name).sentence_prefix
    sentences = [SENTENCES[0], TEXT * 60] if name == "minilm" else SENTENCES  # one is longer than the context
    found = sentence_embeddings(model, tokenizer, sentences, prefix=prefix)
    texts = [prefix + sentence for sentence in sentences]
    limit = min(words.model_max_length, model.config.context_length)
    batch = words(texts, padding=True, truncation=True, max_length=limit, return_tensors="pt")
    mask = batch["attention_mask"][..., None].float()
    expected = F.normalize((reference(**batch).last_hidden_state * mask).sum(1) / mask.sum(1), dim=-1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_e5_puts_like_meanings_of_two_languages_together() -> None:
    model, tokenizer = ours("e5-multilingual")
    assert isinstance(model, Bert)
    vectors = sentence_embeddings(model, tokenizer, SENTENCES, prefix="query: ")
    alike = vectors @ vectors.T
    assert min(alike[0, 1], alike[2, 3]) > max(alike[0, 2], alike[0, 3], alike[1, 2], alike[1, 3])
