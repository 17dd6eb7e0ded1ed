"""The Generate widget's tree: writing, branching, cutting, comparing."""

import numpy as np
import pytest
import torch

from llmlab.generation import SamplingConfig, generate, next_distribution
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.scoring import validation_loss
from llmlab.nn.int8 import in_int8
from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets.generated_text import COMPARED, Writer, sampling_from

SETTINGS = {"prompt": "to be", "tokens": 40, "temperature": 0.9, "top_p": 0.8, "seed": 11}


@pytest.fixture(scope="module")
def opened():
    torch.manual_seed(0)
    tokenizer = train_tokenizer("char", "to be, or not to be: that is the question")
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=32, n_layers=2, n_heads=2, d_model=16))
    torch.nn.init.normal_(model.head.weight, std=0.3)
    return model.eval(), tokenizer


@pytest.fixture
def written(opened):
    writer = Writer(*opened)
    return writer, _finish(writer, {"action": "write", "settings": SETTINGS, "nonce": 1})


def _finish(writer, ask):
    answer = writer.answer(ask)
    nonce = ask["nonce"]
    while answer["writing"]:
        nonce += 1
        answer = writer.answer({"action": "more", "settings": ask["settings"], "nonce": nonce})
    return answer


def _text(answer):
    return "".join(answer["nodes"][i]["text"] for i in answer["path"])


def test_it_writes_what_generate_writes(opened, written):
    _, answer = written
    sampling = SamplingConfig(temperature=0.9, top_p=0.8, seed=11)
    assert _text(answer) == "to be" + generate(*opened, "to be", max_new_tokens=40, sampling=sampling).text


def test_before_it_writes_it_shows_what_is_expected_and_goes_on_with_what_is_chosen(opened):
    writer = Writer(*opened)
    answer = writer.answer({"action": "open", "settings": SETTINGS, "nonce": 1})
    sampling = SamplingConfig(temperature=0.9, top_p=0.8)
    assert answer["expected"]["probabilities"] == next_distribution(*opened, "to be", sampling, top=12).probabilities
    assert _text(answer) == "to be"
    warmer = writer.answer({"action": "settings", "node": 4, "settings": {**SETTINGS, "temperature": 2}, "nonce": 2})
    assert max(warmer["expected"]["probabilities"]) < max(answer["expected"]["probabilities"])
    chosen = warmer["expected"]["ids"][3]
    written = _finish(writer, {"action": "begin", "token_id": chosen, "settings": SETTINGS, "nonce": 3})
    first = written["nodes"][written["path"][5]]
    assert (first["token_id"], first["probability"]) == (chosen, warmer["expected"]["probabilities"][3])
    assert len(written["path"]) == 5 + 1 + 40
    assert written["expected"] is None


def test_only_new_nodes_travel(written):
    writer, answer = written
    later = writer.answer({"action": "show", "branch": 0, "have": 20, "version": answer["version"], "nonce": 500})
    assert later["from"] == 20
    assert later["nodes"] == answer["nodes"][20:]
    stale = writer.answer({"action": "show", "branch": 0, "have": 20, "version": "older", "nonce": 501})
    assert stale["from"] == 0


def test_a_branch_keeps_what_came_before_and_what_was_there(written):
    writer, before = written
    at = before["path"][12]
    other = next(i for i in before["nodes"][at]["distribution"]["ids"] if i != before["nodes"][at]["token_id"])
    ask = {"action": "branch", "node": at, "token_id": other, "settings": SETTINGS, "nonce": 600}
    after = _finish(writer, ask)
    assert after["path"][:12] == before["path"][:12]
    assert after["nodes"][after["path"][12]]["token_id"] == other
    assert [b["depth"] for b in after["branches"]] == [0, 1]
    assert after["branches"][1]["at"] == 12
    back = writer.answer({"action": "show", "branch": 0, "nonce": 700})
    assert back["path"] == before["path"]


def test_one_nonce_acts_once(written):
    writer, answer = written
    other = answer["nodes"][8]["distribution"]["ids"][-1]
    ask = {"action": "branch", "node": 8, "token_id": other, "settings": SETTINGS, "nonce": 900}
    writer.answer(ask)
    count = len(writer.leaves)
    writer.answer(ask)
    assert len(writer.leaves) == count == 2


def test_settings_show_the_cut_that_they_would_make(opened, written):
    writer, answer = written
    at = answer["path"][9]
    settings = {**SETTINGS, "top_p": 1, "top_k": 3}
    live = writer.answer({"action": "settings", "node": at, "settings": settings, "nonce": 800})["live"]
    ids = [answer["nodes"][i]["token_id"] for i in answer["path"][:9]]
    expected = next_distribution(*opened, ids, SamplingConfig(temperature=0.9, top_k=3))
    assert live["distribution"]["kept_count"] == expected.kept_count == 3
    assert live["distribution"]["tail_mass"] == pytest.approx(expected.tail_mass)
    assert live["distribution"]["cut_by"][:4] == [None, None, None, "top_k"]


def test_temperatures_side_by_side_share_the_seed(opened):
    compared = Writer(*opened).answer({"action": "compare", "settings": SETTINGS, "nonce": 1})["compared"]
    assert [column["temperature"] for column in compared] == list(COMPARED)
    sampling = SamplingConfig(temperature=COMPARED[1], top_p=0.8, seed=11)
    expected = generate(*opened, "to be", max_new_tokens=len(compared[1]["tokens"]), sampling=sampling).text
    assert "".join(token["text"] for token in compared[1]["tokens"]) == expected


def test_zero_and_one_mean_off():
    assert sampling_from({"top_k": 0, "top_p": 1, "min_p": 0, "seed": 4}) == SamplingConfig(seed=4)


def test_an_impossible_setting_is_a_sentence(opened):
    answer = Writer(*opened).answer({"action": "write", "settings": {**SETTINGS, "temperature": -1}, "nonce": 1}, "zh")
    assert not answer["error"].isascii()
    assert not answer["writing"]


def test_what_is_not_on_the_list_cannot_be_branched_to(written):
    writer, answer = written
    listed = answer["nodes"][8]["distribution"]["ids"]
    unlisted = next(i for i in range(99) if i not in listed)
    for nonce, (node, token) in enumerate([(8, unlisted), (2, 0), (10_000, 0), (-1, 0)]):
        again = writer.answer({"action": "branch", "node": node, "token_id": token, "nonce": 2000 + nonce})
        assert len(again["branches"]) == 1


def test_rounded_weights_write_a_text_of_their_own_and_say_what_rounding_costs(opened):
    writer, settings = Writer(*opened), {**SETTINGS, "int8": 1, "temperature": 0}
    answer = _finish(writer, {"action": "write", "settings": settings, "nonce": 1})
    model, tokenizer = opened
    greedy = SamplingConfig(temperature=0, top_p=0.8, seed=11)
    rounded = in_int8(model)
    assert _text(answer) == "to be" + generate(rounded, tokenizer, "to be", max_new_tokens=40, sampling=greedy).text
    ids = np.array(tokenizer.encode(_text(answer)))
    assert answer["rounded"] == {
        "tokens": 44,
        "before": validation_loss(model, ids),
        "after": validation_loss(rounded, ids),
    }
    assert answer["rounded"]["before"] != answer["rounded"]["after"]
    assert _finish(writer, {"action": "write", "settings": SETTINGS, "nonce": 90})["rounded"] is None
