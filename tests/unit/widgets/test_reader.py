"""The Start widget's answers against the model itself."""

import base64

import numpy as np
import pytest
import torch

from llmlab.generation import SamplingConfig, generate
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets.reader import BARS, CONTINUATION, Reader

TEXT = "to be or not to be"


@pytest.fixture(scope="module")
def opened():
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", "to be, or not to be: that is the question" * 2)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=48, n_layers=2, n_heads=2, d_model=16))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval(), tokenizer


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_the_bars_are_the_softmax_of_the_last_logits(opened, temperature):
    model, tokenizer = opened
    answer = Reader(model, tokenizer).answer({"text": TEXT, "temperature": temperature})
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer.encode(TEXT)])).logits[0, -1].double()
    expected = (logits / temperature).softmax(-1)
    for bar in answer["bars"]:
        assert bar["probability"] == pytest.approx(float(expected[tokenizer.encode(bar["text"])[0]]), rel=1e-5)
    assert sum(bar["probability"] for bar in answer["bars"]) + answer["rest"] == pytest.approx(1)
    assert answer["rest_count"] == model.config.vocab_size - BARS


def test_temperature_zero_takes_the_most_likely(opened):
    bars = Reader(*opened).answer({"text": TEXT, "temperature": 0})["bars"]
    assert bars[0]["probability"] == 1.0
    assert bars[1]["probability"] == 0.0


def test_the_triangle_is_the_attention_of_the_head_asked_for(opened):
    model, tokenizer = opened
    from llmlab.models.trace import trace

    answer = Reader(model, tokenizer).answer({"text": TEXT, "temperature": 1, "layer": 1, "head": 0})
    n = len(TEXT)
    square = np.zeros((n, n), dtype=np.float32)
    square[np.tril_indices(n)] = np.frombuffer(base64.b64decode(answer["attention"]), dtype="<f4")
    expected = trace(model, torch.tensor([tokenizer.encode(TEXT)])).layers[1].attention.weights[0, 0]
    np.testing.assert_array_equal(square, expected.numpy())
    assert (answer["layer"], answer["head"]) == (1, 0)


def test_sampling_writes_on_as_generate_does(opened):
    model, tokenizer = opened
    answer = Reader(model, tokenizer).answer({"text": TEXT, "temperature": 0.9, "sample": True, "nonce": 5})
    sampling = SamplingConfig(temperature=0.9, seed=5)
    written = generate(model, tokenizer, TEXT, max_new_tokens=CONTINUATION, sampling=sampling).text
    assert answer["text"] == TEXT + written
    assert answer["written"] == CONTINUATION


def test_a_text_longer_than_the_context_shows_its_end(opened):
    text = TEXT * 4
    answer = Reader(*opened).answer({"text": text, "temperature": 1})
    assert answer["count"] == len(text)
    assert answer["hidden"] == len(text) - 48
    assert len(answer["tokens"]) == 48


@pytest.mark.parametrize(("text", "named"), [("", "empty"), ("to ü", "ü")])
def test_mistakes_are_sentences(opened, text, named):
    answer = Reader(*opened).answer({"text": text, "temperature": 1}, "en")
    assert named in answer["error"]
    assert not Reader(*opened).answer({"text": text, "temperature": 1}, "zh")["error"].isascii()


def test_the_picked_head_stays_while_the_text_changes(opened):
    reader = Reader(*opened)
    first = reader.answer({"text": TEXT, "temperature": 1})
    second = reader.answer({"text": "that is the question", "temperature": 1})
    assert (first["layer"], first["head"]) == (second["layer"], second["head"])
