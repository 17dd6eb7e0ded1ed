"""Generate, when the model on show is a BERT: words to hide, and guesses. Pages that write pass it over."""

import html

import pytest

from llmlab import hub
from llmlab.generation.filling import fill
from llmlab.i18n import say
from llmlab.training import runs
from llmlab.training.config import TrainConfig


def saved_bert(folder):
    import torch

    from llmlab import hub
    from llmlab.models.bert import Bert, BertConfig
    from llmlab.text.tokenizer import train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer("wordpiece", "to be or not to be that is the question", vocab_size=60)
    model = Bert(BertConfig(vocab_size=tokenizer.vocab_size, context_length=32, n_layers=1, n_heads=1, d_model=8))
    hub.save(model, tokenizer, folder)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_hidden_word_is_guessed_and_writers_pages_live_on(visit, tmp_path, lang):
    saved_bert(tmp_path / "runs" / "my-bert")
    visited = visit("generate", lang=lang, model="my-bert")
    assert not visited.broken()
    said = visited.said()
    (table,) = [found for found in visited.app.get("html") if "<code>" in found.proto.body]
    model, tokenizer = hub.load(tmp_path / "runs" / "my-bert")
    hidden = "She gave the key to a hungry [MASK] ."  # the word before the full stop
    for candidate in fill(model, tokenizer, hidden, top=5).blanks[0].candidates:
        assert f"<code>{html.escape(candidate.token)}</code>" in table.proto.body
    assert {"en": "itself is number", "zh": "排在第"}[lang] in said
    assert not visited.go("start").broken()


def test_a_bert_trained_last_hides_no_model_that_can_write(visit, embedded):
    config = TrainConfig(corpus="tales-en", steps=10, model="bert", tokenizer="wordpiece")
    saved_bert(runs.create(config, "filler", None) / "checkpoints" / "step-000010")
    visited = visit("generate", lang="en")
    assert say("ui_fill.title", "en") == visited.app.title[0].value
    assert "**filler**" in visited.said()
    assert "**Shakespeare GPT**" in visited.go("start").said()
    assert "model_switch" not in [button.key for button in visited.app.button]  # there is no other that writes
    assert say("ui_fill.title", "en") == visited.go("generate").app.title[0].value


def test_a_bert_chosen_elsewhere_gives_way_and_one_in_the_address_is_refused_in_a_sentence(visit, tmp_path):
    saved_bert(tmp_path / "runs" / "my-bert")
    visited = visit("generate", lang="en", model="my-bert")
    del visited.app.query_params["model"]
    assert "**Shakespeare GPT**" in visited.go("start").said()
    refused = visit(None, lang="en", model="my-bert")
    assert "reads a text from both sides" in refused.app.warning[0].value


def test_an_encoder_without_a_head_says_what_it_is_for(visit, tmp_path):
    import torch

    from llmlab.models.bert import Bert, BertConfig
    from llmlab.text.tokenizer import train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer("wordpiece", "to be or not to be that is the question", vocab_size=60)
    config = BertConfig(
        vocab_size=tokenizer.vocab_size, n_layers=1, n_heads=1, d_model=8, mlm_head=False, nsp_head=False
    )
    hub.save(Bert(config), tokenizer, tmp_path / "runs" / "encoder")
    visited = visit("generate", lang="en", model="encoder")
    assert "has no head that guesses words" in visited.app.info[0].value
    visited.app.button(key="fill_embeddings").click().run()
    assert visited.app.title[0].value == say("ui_embeddings.title", "en")
