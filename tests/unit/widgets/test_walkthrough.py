"""The walk-through's answers against the trace itself, for both families."""

import base64
import json
import zlib

import numpy as np
import pytest
import torch

from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets import labels
from llmlab.widgets.walkthrough import MOST_TOKENS, Walker

TEXT = "to be or not"
SIZES = {"context_length": 48, "n_layers": 2, "n_heads": 2, "d_model": 16}


@pytest.fixture(scope="module", params=["gpt", "gpt2", "bert"])
def walker(request):
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", "to be, or not to be: that is the question [CLSEP]" * 2)
    sizes = SIZES | {"vocab_size": tokenizer.vocab_size}
    model = Bert(BertConfig(**sizes)) if request.param == "bert" else GPT(GPTConfig(style=request.param, **sizes))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return Walker(model.eval(), tokenizer)


def unpacked(packed):
    raw = base64.b64decode(packed["data"])
    raw = zlib.decompress(raw) if packed["deflated"] else raw
    return np.frombuffer(raw, "<" + packed["dtype"]).reshape(packed["shape"])


def test_the_maps_are_the_traces_float32(walker):
    answer = walker.answer({"text": TEXT, "layer": 1, "head": 1})
    left = trace(walker.model, torch.tensor([walker.tokenizer.encode(TEXT)]))
    assert answer["stamp"]
    for step in answer["steps"]:
        if step["name"] in ("logits", "probabilities", "laid_out"):
            continue
        entry = left[step["name"]]
        value = entry.value[0, 1] if "head" in entry.axes or "kv_head" in entry.axes else entry.value[0]
        np.testing.assert_array_equal(unpacked(step["values"]), value.numpy())
        assert "<math" in step["formula"]
        assert "<mtext" not in step["formula"]  # words would be English in both languages


def test_a_chosen_number_comes_with_its_operands_and_code_that_asserts_it(walker):
    ask = {"text": TEXT, "layer": 0, "head": 1, "cell": {"step": "scores", "row": 5, "column": 2}}
    answer = walker.answer(ask)
    left = trace(walker.model, torch.tensor([walker.tokenizer.encode(TEXT)])).layers[0].attention
    cell = answer["cell"]
    assert cell["shown"] == float(left.scores[0, 1, 5, 2])
    assert cell["computed"] == pytest.approx(cell["shown"], rel=1e-4)
    q, k = (unpacked(o["values"]) for o in cell["operands"])
    assert q @ k / 8**0.5 == pytest.approx(cell["shown"], rel=1e-4)
    assert f"tokenizer.encode({TEXT!r})" in cell["code"]
    assert "assert_close" in cell["code"]
    compile(cell["code"], "cell", "exec")
    json.dumps(answer, allow_nan=False)


def test_what_the_widget_holds_is_not_sent_again_and_places_outside_are_brought_inside(walker):
    first = walker.answer({"text": TEXT, "layer": 9, "head": -3})
    assert (first["layer"], first["head"]) == (1, 0)
    ask = {"text": TEXT, "layer": 1, "head": 0, "have": first["stamp"], "cell": {"step": "nowhere", "row": 99}}
    again = walker.answer(ask)
    assert again["steps"] is None
    assert again["cell"]["step"] == first["steps"][0]["name"]
    assert again["cell"]["row"] == len(first["tokens"]) - 1


@pytest.mark.parametrize("text", ["", "t" * (MOST_TOKENS + 1), "床"])
def test_a_text_that_cannot_be_walked_is_one_sentence(walker, text):
    answer = walker.answer({"text": text})
    assert answer["error"]
    assert "steps" not in answer


def test_the_mask_is_sent_as_json(walker):
    cell = walker.answer({"text": TEXT, "cell": {"step": "masked_scores", "row": 1, "column": 5}})["cell"]
    json.dumps(cell, allow_nan=False)
    if "masked_scores" in cell["step"] and not isinstance(walker.model, Bert):
        assert cell["shown"] is None


def test_every_step_has_a_title_in_both_languages(walker):
    kinds = {step["kind"] for step in walker.answer({"text": TEXT})["steps"]}
    for language in ("en", "zh"):
        assert {f"step_{kind}" for kind in kinds} <= set(labels("walkthrough", language))


def test_a_bert_reads_a_second_segment_and_names_what_fits_its_blank():
    from llmlab import hub

    walker = Walker(*hub.load("tales-bert"), folder="tales-bert")
    two = "The fox was hungry. [SEP] She gave a [MASK]."
    answer = walker.answer({"text": two, "cell": {"step": "segment_embedding"}})
    assert answer["tokens"][answer["at"]] == "[MASK]" == answer["tokens"][answer["cell"]["row"]]
    assert "segment_embedding.weight[1, " in answer["cell"]["code"]
    assert answer["steps"][-1]["kind"] == "probabilities"  # it draws nothing
    exec(answer["cell"]["code"], {})
    blank = walker.answer({"text": "She gave a [MASK].", "cell": {"step": "probabilities", "column": 0}})
    left = trace(walker.model, torch.tensor([walker._kept[1].ids]))
    assert blank["cell"]["shown"] == pytest.approx(float(left.logits[0, blank["at"]].softmax(-1).max()), rel=1e-5)
    exec(blank["cell"]["code"], {})
