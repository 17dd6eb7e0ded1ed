"""Runs of a bert, each of them small, and its measurements computed again from the files."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.text.masking import UNASKED
from llmlab.training import loop, recipes, runs
from llmlab.training.config import TrainConfig
from llmlab.training.masked_objective import VALIDATION_SEED, MaskedToken, _pairs
from llmlab.training.preparation import prepare

BERT = {"model": "bert", "tokenizer": "wordpiece", "vocab_size": 200, "context": 32}


@pytest.fixture
def trained(new_run):
    run = new_run(**BERT)
    loop.train(run)
    return run


def test_a_run_of_a_bert(trained):
    checkpoint = runs.best(trained)
    model, tokenizer = hub.load(checkpoint)
    data = prepare(trained, runs.config(trained), lambda phrase: None)
    starts = data.sentence_starts - len(data.train_ids)
    pairs = _pairs(data, data.val_ids, starts, 32, 1, VALIDATION_SEED)
    ids, segments, labels, _ = (torch.from_numpy(part) for part in pairs.batch(np.arange(len(pairs))))
    theirs = AutoModelForPreTraining.from_pretrained(checkpoint).eval()
    logits = theirs(ids, attention_mask=(ids != tokenizer.pad_id).long(), token_type_ids=segments).prediction_logits
    loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=UNASKED)
    assert runs.status(trained).val_loss == pytest.approx(loss.item(), abs=1e-5)
    assert AutoModelForMaskedLM.from_pretrained(checkpoint).config.vocab_size == model.config.vocab_size
    points = [point for point in runs.metrics(trained) if "val_loss" in point]
    assert all(0 <= point["next_sentence_accuracy"] <= 1 for point in points)
    assert "[" in runs.samples(trained)[-1]["text"]


def test_references_are_of_the_masked_tokens(trained):
    found = []
    data = prepare(trained, runs.config(trained), lambda phrase: None)
    MaskedToken().references(data, found.append)
    (references,) = found
    assert references["kneser_ney"] is None
    assert references["floor"] is None
    assert references["unigram"] < references["uniform"] == pytest.approx(np.log(data.tokenizer.vocab_size))


def test_words_that_do_not_fit_a_bert():
    assert recipes.configure({"corpus": "x", "model": "bert"}).tokenizer == "wordpiece"
    for words in ({"tokenizer": "char"}, {"context": 4}, {"tie_embeddings": False}):
        with pytest.raises(LearnerError):
            TrainConfig(**{"corpus": "x", "model": "bert", "tokenizer": "wordpiece"} | words)
