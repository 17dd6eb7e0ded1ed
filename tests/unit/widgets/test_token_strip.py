"""The Tokenizers widget: rows agree with the tokenizers, the last step with BPE's own encoding."""

import pytest

from llmlab.text.tokenizer import train_tokenizer
from llmlab.widgets.token_strip import STEPPED, Cutter

TEXT = "the fox saw the moon; the moon saw the fox. " * 20


@pytest.fixture(scope="module")
def cutter():
    named = [(kind, train_tokenizer(kind, TEXT, vocab_size=300 if kind == "bpe" else None)) for kind in ("char", "bpe")]
    return Cutter(named, named[1][1].byte_pairs())


def test_rows_are_the_tokenizers_tokens(cutter):
    answer = cutter.answer({"text": "the fox", "nonce": 3})
    assert answer["rows"][0]["tokens"] == list("the·fox")
    tokenizer = cutter.tokenizers[1][1]
    assert answer["rows"][1]["tokens"] == tokenizer.token_texts(tokenizer.encode("the fox"))
    assert answer["nonce"] == 3


def test_steps_begin_with_bytes_and_end_with_the_encoding(cutter):
    answer = cutter.answer({"text": "the moon 月"})
    first, last = ([answer["pieces"][i] for i in answer["steps"][k]] for k in (0, -1))
    assert first[-3:] == ["E6", "9C", "88"]
    assert last == answer["rows"][1]["tokens"]
    assert all(
        made in [answer["pieces"][i] for i in step]
        for made, step in zip(answer["made"], answer["steps"], strict=True)
        if made
    )


def test_what_cannot_be_encoded_is_said_in_its_row_alone(cutter):
    rows = cutter.answer({"text": "fox é"}, "zh")["rows"]
    assert "é" in rows[0]["error"]
    assert rows[1]["error"] is None


def test_long_texts_are_stepped_in_part(cutter):
    answer = cutter.answer({"text": TEXT})
    assert len(answer["steps"][0]) == STEPPED
    assert len(answer["rows"][0]["tokens"]) == len(TEXT)


def test_an_empty_text_is_no_mistake(cutter):
    answer = cutter.answer({"text": ""})
    assert answer["steps"] == [[]]
    assert answer["rows"][0]["tokens"] == []
