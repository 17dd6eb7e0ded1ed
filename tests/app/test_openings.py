"""The text that a page opens with."""

from types import SimpleNamespace

import numpy as np
import pytest

from llmlab.text.tokenizer import train_tokenizer
from llmlab.training import runs
from llmlab.training.config import TrainConfig
from llmlab.ui import lab_walkthrough, openings
from llmlab.ui.opened import Choice

TEXT = "Nothing of this is held out. " * 40 + "\n"
HELD_OUT = "the end of a line\n\nThe fox slept under the apple tree all day.\nA dog barked.\n"


@pytest.mark.parametrize(("kind", "text"), [("char", "The fox slept under the "), ("word", "The fox slept under the")])
def test_a_run_opens_on_whole_words_of_a_line_that_it_has_not_learned_from(tmp_path, monkeypatch, kind, text):
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    tokenizer = train_tokenizer(kind, TEXT + HELD_OUT)
    learned, held_out = tokenizer.encode_array(TEXT), tokenizer.encode_array(HELD_OUT)
    share = len(held_out) / (len(learned) + len(held_out))
    run = runs.create(TrainConfig(corpus="tales-en", tokenizer=kind, val_fraction=share), "own")
    (run / "data").mkdir()
    np.save(run / "data" / "tokens.npy", np.concatenate([learned, held_out]))
    chosen = Choice(folder=run, title="own", name="own", run=run)
    assert openings.first_text(chosen, tokenizer) == text


def test_a_model_of_one_language_opens_in_it(monkeypatch):
    tokenizer = train_tokenizer("char", "To be, or not to be, that is the 床前明月光，疑是地上")
    monkeypatch.setattr(openings, "language", lambda: "zh")
    for name, first in (("minilm", "To be"), ("e5-multilingual", "床前"), ("tang-gpt", "床前")):
        chosen = Choice(folder=None, title=name, name=name)
        assert openings.first_text(chosen, tokenizer).startswith(first)


@pytest.mark.parametrize(("name", "text"), [("minilm", "a hungry fox."), ("e5-multilingual", "一只狐狸。")])
def test_an_encoder_without_a_head_is_not_asked_to_fill_a_blank(monkeypatch, name, text):
    monkeypatch.setattr(openings, "language", lambda: "zh")
    tokenizer = train_tokenizer("char", "".join(lab_walkthrough.BLANKS))
    model = SimpleNamespace(mlm_head=None, config=SimpleNamespace(context_length=64))
    walker = SimpleNamespace(writes=False, tokenizer=tokenizer, model=model)
    chosen = Choice(folder=None, title=name, name=name)
    assert lab_walkthrough._first_text("", chosen, walker).endswith(text)
