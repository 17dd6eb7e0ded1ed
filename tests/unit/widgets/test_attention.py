"""What the Attention widget is given: exact numbers, bytes for the eye, and sentences for what cannot be shown."""

import json
import re

import numpy as np
import pytest
import torch

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets.attention import THUMBNAIL, WHOLE, Reading, Seen, Viewer, shares
from llmlab.widgets.bertviz_view import draw, parameters
from tests.unit.widgets.test_payload import unpacked

TEXT = "to be or not to be"


@pytest.fixture(scope="module")
def opened():
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", "to be, or not to be: that is <the> question שלום\n" * 2)
    config = GPTConfig(
        vocab_size=tokenizer.vocab_size, context_length=40, n_layers=2, n_heads=4, n_kv_heads=2, d_model=16
    )
    model = GPT(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval(), tokenizer


def ask(text=TEXT, **words):
    return {"text": text, "layer": -1, "head": -1, **words}


def test_the_numbers_of_a_head_are_those_of_the_trace(opened):
    model, tokenizer = opened
    answer = Viewer(model, tokenizer).answer(ask(layer=1, head=3, heads=[[0, 1], [7, 7]]))
    left = trace(model, torch.tensor([tokenizer.encode(TEXT)]))
    assert [(one["layer"], one["head"]) for one in answer["exact"]] == [(1, 3), (0, 1)]
    for one in answer["exact"]:
        attention = left.layers[one["layer"]].attention
        key_head = one["head"] // 2  # two query heads share a key head
        for name, expected in (
            ("weights", attention.weights[0, one["head"]]),
            ("scores", attention.scores[0, one["head"]]),
            ("q", attention.q_rotated[0, one["head"]]),
            ("k", attention.k_rotated[0, key_head]),
        ):
            np.testing.assert_array_equal(unpacked(one[name]), expected.numpy())
        products = unpacked(one["q"])[:, None] * unpacked(one["k"])[None]
        np.testing.assert_allclose(products.sum(-1) / np.sqrt(4), unpacked(one["scores"]), rtol=1e-4, atol=1e-5)


def test_what_the_browser_holds_is_not_sent_again(opened):
    viewer = Viewer(*opened)
    first = viewer.answer(ask())
    assert first["picture"]["tokens"] == list("to·be·or·not·to·be")
    assert first["picture"]["causal"]
    again = viewer.answer(ask(have=first["stamp"], layer=0, head=0))
    assert again["picture"] is None
    assert again["exact"]
    assert viewer.answer(ask("to be", have=first["stamp"]))["picture"]


def test_bytes_for_the_eye():
    weights = torch.randn(2, 2, 30, 30).softmax(-1).numpy()
    drawn = shares(weights)
    assert np.abs((drawn / 255) ** 2 - weights).max() < 0.004
    assert drawn[weights > 1e-5].min() > 0  # what is there is seen
    large = np.random.default_rng(0).random((1, 2, 1200, 1200), dtype=np.float32)
    assert large.size > WHOLE
    pooled = shares(large)
    assert pooled.shape[-1] <= THUMBNAIL
    step = -(-1200 // THUMBNAIL)
    assert pooled[0, 1, 2, 3] == round(255 * large[0, 1, 2 * step : 3 * step, 3 * step : 4 * step].max() ** 0.5)


def test_the_head_that_opens_looks_most_at_the_token_before(opened):
    model, tokenizer = opened
    answer = Viewer(model, tokenizer).answer(ask())
    found = [
        [w[range(1, len(TEXT)), range(len(TEXT) - 1)].mean() for w in layer.attention.weights[0]]
        for layer in trace(model, torch.tensor([tokenizer.encode(TEXT)])).layers
    ]
    best = np.unravel_index(int(np.argmax(found)), (2, 4))
    assert (answer["layer"], answer["head"]) == best
    scores = answer["picture"]["scores"]
    np.testing.assert_allclose(scores["previous"], found, atol=1e-4)
    assert set(scores) == {"previous", "same", "first", "separator", "induction"}


def test_pairs_know_which_sentence_a_token_is_of(opened):
    picture = Viewer(*opened).answer(ask("to be", second="or not"))["picture"]
    assert picture["tokens"] == list("to·be⏎or·not")
    assert picture["segments"] == [0] * 6 + [1] * 6
    assert Viewer(*opened).answer(ask())["picture"]["segments"] is None


@pytest.mark.parametrize("names", [("[CLS]", "[SEP]"), ("<s>", "</s>")])
def test_a_bert_reads_a_pair_as_its_tokenizers_template_says(names):
    from tokenizers.processors import TemplateProcessing

    from llmlab.models.bert import Bert, BertConfig

    torch.manual_seed(0)
    tokenizer = train_tokenizer("wordpiece", "to be or not to be that is the question <s> </s>" * 9, vocab_size=60)
    cls, sep = names
    if cls == "<s>":  # as RoBERTa's and E5's tokenizers write it: two separators, and no word to the model
        tokenizer._backend.add_special_tokens([cls, sep])
        tokenizer._backend.post_processor = TemplateProcessing(
            single=f"{cls} $A {sep}",
            pair=f"{cls} $A {sep} {sep} $B {sep}",
            special_tokens=[(name, tokenizer._backend.token_to_id(name)) for name in names],
        )
    size = tokenizer._backend.get_vocab_size()
    model = Bert(BertConfig(vocab_size=size, context_length=24, n_layers=1, n_heads=1, d_model=8)).eval()
    viewer = Viewer(model, tokenizer)
    reading = viewer.read("to be", "or not")
    first, second = tokenizer.encode("to be"), tokenizer.encode("or not")
    begin, end = (tokenizer._backend.token_to_id(name) for name in names)
    between = [end] if cls == "[CLS]" else [end, end]
    assert reading.ids == [begin, *first, *between, *second, end]
    assert reading.segments == [0] * (1 + len(first) + len(between)) + [1] * (len(second) + 1)
    told = reading.segments if cls == "[CLS]" else [0] * len(reading.ids)
    left = trace(model, torch.tensor([reading.ids]), token_type_ids=torch.tensor([told]))
    np.testing.assert_array_equal(viewer.seen(reading).weights[0], left.layers[0].attention.weights[0].numpy())


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no text"), ("  ", "no text"), ("t", "single token"), ("to be " * 800, "4800 tokens"), ("to ü", "ü")],
)
def test_mistakes_are_one_sentence(opened, text, said):
    answer = Viewer(*opened).answer(ask(text))
    assert said in answer["error"]
    assert "picture" not in answer
    assert not Viewer(*opened).answer(ask(text), "zh")["error"].isascii()


def test_values_that_are_no_numbers_are_named_by_layer():
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", TEXT)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=32, n_layers=3, n_heads=2, d_model=8))
    model.blocks[1].attention.query.weight.data[0, 0] = torch.nan
    assert "layer 2" in Viewer(model, tokenizer).answer(ask())["error"]


def test_a_model_without_attention_says_so(opened):
    class Counting(torch.nn.Module):
        config = None

    assert "no attention" in Viewer(Counting(), opened[1]).answer(ask())["error"]


@pytest.mark.parametrize("text", ["<the> שלום", "to be"])
def test_the_file_carries_all_numbers_and_no_markup_of_the_text(opened, text):
    model, tokenizer = opened
    page = Viewer(model, tokenizer).file(ask(text, layer=0, head=2), "en")
    assert "<the>" not in page
    assert page.count("<script") == 2
    assert "http" not in re.sub(r"http://www\.w3\.org/|http-equiv", "", page)
    later = json.loads(re.search(r'id="later-more">(.*?)</script>', page)[1])
    assert sorted((one["layer"], one["head"]) for one in later) == [
        (i, h) for i in range(2) for h in range(4) if (i, h) != (0, 2)
    ]
    left = trace(model, torch.tensor([tokenizer.encode(text)]))
    np.testing.assert_array_equal(unpacked(later[-1]["weights"]), left.layers[1].attention.weights[0, 3].numpy())


def test_bertviz_reads_the_same_numbers_and_its_page_asks_for_nothing(opened):
    model, tokenizer = opened
    text = "<the> שלום"
    ids = tokenizer.encode(text)
    seen = Seen(model, Reading(ids, [*tokenizer.token_texts(ids[:-1]), "</script>\u2028"], [0] * len(ids)))
    for view in ("head", "model", "neuron"):
        page = draw(view, seen, layer=1, head=2)
        assert "<the>" not in page
        assert "\u2028" not in page
        assert "cdnjs" not in page
        assert not re.search(r"<(script|link)[^>]*(src|href)=", page)
    given = parameters("neuron", seen, [0, 1], 1, 2)["attention"]["all"]
    left = trace(model, torch.tensor([ids])).layers[1].attention
    np.testing.assert_array_equal(np.float32(given["attn"][1][2]), left.weights[0, 2].numpy())
    np.testing.assert_array_equal(np.float32(given["queries"][1][2]), left.q_rotated[0, 2].numpy())
    np.testing.assert_array_equal(np.float32(given["keys"][1][2]), left.k_rotated[0, 1].numpy())


def test_bertviz_refuses_what_a_browser_cannot_hold(opened, monkeypatch):
    model, tokenizer = opened
    monkeypatch.setattr("llmlab.widgets.bertviz_view.MOST_WEIGHTS", 1000)
    seen = Viewer(model, tokenizer).seen(Viewer(model, tokenizer).read(TEXT))
    with pytest.raises(ValueError, match="11 tokens"):
        draw("model", seen)
