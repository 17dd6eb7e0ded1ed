"""Generate, when the model on show is a BERT: words to hide, and what could stand there."""

import pytest


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_hidden_word_is_guessed_and_writers_pages_live_on(visit, tmp_path, lang):
    import torch

    from llmlab import hub
    from llmlab.models.bert import Bert, BertConfig
    from llmlab.text.tokenizer import train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer("wordpiece", "to be or not to be that is the question", vocab_size=60)
    model = Bert(BertConfig(vocab_size=tokenizer.vocab_size, context_length=32, n_layers=1, n_heads=1, d_model=8))
    hub.save(model, tokenizer, tmp_path / "runs" / "my-bert")
    visited = visit("generate", lang=lang, model="my-bert")
    assert not visited.broken()
    assert len(visited.app.get("html")) >= 1
    said = visited.said()
    assert "be" in said
    assert {"en": "itself is number", "zh": "排在第"}[lang] in said
    assert not visited.go("start").broken()
