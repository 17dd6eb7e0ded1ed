"""Where the vectors come from: each source against the model's own tensors."""

import numpy as np
import pytest
import torch

from llmlab.i18n import LearnerError
from llmlab.lens import embeddings
from llmlab.lens.points import Points, clusters, kind_of, script_of
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.text.tokenizer import train_tokenizer

TEXT = "the bank of the river, the bank of money 苹果 \n!7 A"


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(1)
    tokenizer = train_tokenizer("char", TEXT)
    config = GPTConfig(
        vocab_size=tokenizer.vocab_size, context_length=48, n_layers=2, n_heads=2, n_kv_heads=2, d_model=16
    )
    model = GPT(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model, tokenizer


def hidden(model, ids):
    """Every layer's output, by hooks, which share nothing with the trace."""
    seen = []
    hooks = [block.register_forward_hook(lambda m, i, o: seen.append(o)) for block in model.blocks]
    with torch.no_grad():
        model(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    return torch.stack([model.token_embedding.weight[ids].detach(), *(x[0] for x in seen)])


def test_token_vectors_are_the_rows_of_the_table(tiny):
    model, tokenizer = tiny
    counts = [10 * i for i in range(tokenizer.vocab_size)]
    points = embeddings.token_points(model, tokenizer, most=4, counts=counts)
    last = list(range(tokenizer.vocab_size - 4, tokenizer.vocab_size))
    torch.testing.assert_close(points.vectors[0], model.token_embedding.weight[last].detach())
    assert list(points.names) == tokenizer.token_texts(last)
    assert points.of == tokenizer.vocab_size
    assert points.attributes["frequency"].values == [counts[i] for i in last]


def test_every_token_of_the_vocabulary_is_found_and_can_be_added():
    torch.manual_seed(1)
    tokenizer = train_tokenizer("bpe", "the king and the kingdom, the queens of kings " * 20, vocab_size=290)
    model = GPT(GPTConfig(vocab_size=290, context_length=8, n_layers=1, n_heads=1, d_model=8))
    points = embeddings.token_points(model, tokenizer, most=100)
    words = points.vocabulary
    names = tokenizer.token_texts(range(tokenizer.vocab_size))
    assert points.of == len(names)
    written = [i for i in range(100, len(names)) if names[i].strip("·").strip()]
    assert len(written) > 150
    for i in written:  # whatever is not on the map
        assert i in words.missing(names[i].strip("·"), most=len(names))
    exact = words.missing("king")[0]
    assert names[exact].lstrip("·") == "king"
    assert words.pieces("kingthe") == tokenizer.encode("kingthe")
    assert words.pieces("king") == []
    wider = words.including([exact])
    at = list(wider.names).index(names[exact])
    torch.testing.assert_close(wider.vectors[0, at], model.token_embedding.weight[exact].detach())
    assert exact not in wider.vocabulary.missing("king")
    assert len(wider.vocabulary.including([101]).names) == 102  # what was added before stays


def test_tokens_in_sentences_layer_by_layer(tiny):
    model, tokenizer = tiny
    points = embeddings.reading_points(model, tokenizer, ["the bank", "", "river"])
    expected = torch.cat([hidden(model, tokenizer.encode(s)) for s in ("the bank", "river")], dim=1)
    torch.testing.assert_close(points.vectors, expected, atol=1e-5, rtol=1e-4)
    assert points.attributes["position"].values[8:] == [0, 1, 2, 3, 4]
    assert list(points.sentence_of) == [0] * 8 + [1] * 5


def test_one_word_is_one_point_before_the_layers_and_several_after(tiny):
    model, tokenizer = tiny
    lines = ["the bank of the river", "", "A bank of money, the Bank!".replace("B", "b"), "no such: of 苹果"]
    points = embeddings.word_points(model, tokenizer, lines[:3], "bank")
    assert points.vectors.shape == (3, 3, 16)
    torch.testing.assert_close(points.vectors[0, 0], points.vectors[0, 2])
    assert not torch.allclose(points.vectors[2, 0], points.vectors[2, 2], atol=1e-3)
    ids = tokenizer.encode(lines[0])
    torch.testing.assert_close(points.vectors[:, 0], hidden(model, ids)[:, 4:8].mean(1), atol=1e-5, rtol=1e-4)
    assert points.attributes["group"].values == [0, 1, 1]
    with pytest.raises(LearnerError, match="occurs 1 times"):
        embeddings.word_points(model, tokenizer, ["苹果 of"], "苹果")


def test_a_sentence_is_the_mean_of_its_tokens(tiny):
    model, tokenizer = tiny
    points = embeddings.sentence_points(model, tokenizer, ["the bank", "苹果"])
    torch.testing.assert_close(
        points.vectors[:, 0], hidden(model, tokenizer.encode("the bank")).mean(1), atol=1e-5, rtol=1e-4
    )
    assert points.attributes["script"].names == ["latin", "han"]


def test_a_bert_reads_each_sentence_between_its_special_tokens():
    torch.manual_seed(2)
    tokenizer = train_tokenizer("wordpiece", "the bank of the river and the bank of money " * 20, vocab_size=60)
    model = Bert(BertConfig(vocab_size=tokenizer.vocab_size, context_length=24, n_layers=2, n_heads=2, d_model=16))
    ids = [tokenizer.cls_id, *tokenizer.encode("the bank of money"), tokenizer.sep_id]
    seen = model.eval()(torch.tensor([ids])).hidden[0].detach()
    points = embeddings.reading_points(model, tokenizer, ["the bank of money"])
    torch.testing.assert_close(points.vectors[-1], seen, atol=1e-5, rtol=1e-4)
    assert list(points.names) == tokenizer.token_texts(ids)
    (pooled,) = embeddings.sentence_points(model, tokenizer, ["the bank of money"]).vectors[-1]
    torch.testing.assert_close(pooled, seen.mean(0) / seen.mean(0).norm(), atol=1e-5, rtol=1e-4)
    (asked,) = embeddings.sentence_points(model, tokenizer, ["of money"], prefix="the bank ").vectors[-1]
    torch.testing.assert_close(asked, pooled, atol=1e-5, rtol=1e-4)  # the prefix is read with the sentence
    both = embeddings.word_points(model, tokenizer, ["the bank of money", "the bank"], "bank")
    assert both.vectors.shape == (3, 2, 16)


def test_bad_input_is_said_in_a_sentence(tiny):
    model, tokenizer = tiny
    for phrase, call in {
        "no_sentence": lambda: embeddings.reading_points(model, tokenizer, [" ", ""]),
        "sentence_too_long": lambda: embeddings.sentence_points(model, tokenizer, ["the " * 5000]),
        "too_many": lambda: embeddings.reading_points(model, tokenizer, ["the bank of the river"] * 400),
    }.items():
        with pytest.raises(LearnerError) as found:
            call()
        assert found.value.phrase == f"embeddings.{phrase}"
    with pytest.raises(LearnerError, match="<"):
        embeddings.reading_points(model, tokenizer, ["<script>"])
    with pytest.raises(LearnerError, match="NaN"):
        Points(vectors=torch.full((1, 2, 3), float("nan")), names=["a", "b"])


def test_a_runs_probes_make_a_map_that_forms(tiny, tmp_path):
    _, tokenizer = tiny
    (tmp_path / "probes").mkdir()
    tables = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float16)
    for step, table in zip((0, 4, 16), tables, strict=True):
        ids = np.arange(5, dtype=np.int32)
        np.savez(tmp_path / "probes" / f"step-{step:06d}.npz", embedding_ids=ids, token_embedding=table)
    points = embeddings.training_points(tmp_path, tokenizer)
    assert list(points.frames) == [0, 4, 16]
    np.testing.assert_array_equal(points.vectors.numpy(), tables.astype(np.float32))
    with pytest.raises(LearnerError, match="kept no token embeddings"):
        embeddings.training_points(tmp_path / "none", tokenizer)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("e", "lower"), ("·The", "upper"), ("42", "digits"), (",", "punctuation"), ("·", "blank"), ("⏎⏎", "blank")),
        *(("月", "han"), ("E4 B8", "bytes"), ("E4", "bytes"), ("BE", "upper"), ("<unk>", "special")),
        *(("[CLS]", "special"), ("##ing", "lower"), ("n't", "mixed"), ("שלום", "other_letters")),
    ],
)
def test_kinds_of_tokens(name, kind):
    assert kind_of(name) == kind


def test_scripts():
    found = [script_of(text) for text in ("·the", "苹果", "カナ", "слово", "سلام", "한", "12", "ไทย")]
    assert found == ["latin", "han", "kana", "cyrillic", "arabic", "hangul", "no_letters", "other_script"]


def test_clusters_find_separate_groups():
    centres = torch.eye(6) * 5
    found = clusters(centres.repeat(4, 1) + 0.01 * torch.randn(24, 6))
    groups = np.array(found.values).reshape(4, 6)
    assert (groups == groups[0]).all()
    assert sorted(groups[0]) == [0, 1, 2, 3, 4, 5]
