import pytest

from llmlab.i18n import LearnerError
from llmlab.training import runs
from llmlab.training.resume import open_for_resume


def test_the_name_is_enough(new_run):
    run = new_run("one")
    assert open_for_resume("one", {}) == run


def test_the_same_words_do_not_contradict(new_run, corpus, monkeypatch):
    run = new_run("one", cleaning=("whitespace",))
    monkeypatch.chdir(corpus.parent)
    words = {"corpus": "corpus.txt", "layers": 1, "steps": 12, "lr": None, "cleaning": ["whitespace"]}
    assert open_for_resume("one", words) == run


def test_a_contradiction_names_the_word_and_what_the_run_has(new_run):
    new_run("one")
    with pytest.raises(LearnerError, match=r"--layers 1, --until-val-loss —") as raised:
        open_for_resume("one", {"layers": 2, "until_val_loss": 1.0, "width": 16})
    assert "--width" not in str(raised.value)


def test_the_device_may_change(new_run):
    run = open_for_resume(new_run("one"), {"device": "cpu"})
    assert runs.config(run).device == "cpu"


def test_a_missing_run_needs_full_words(corpus):
    with pytest.raises(LearnerError, match="nope"):
        open_for_resume("nope", {"layers": 1})
    run = open_for_resume("new", {"corpus": str(corpus), "layers": 1}, owner="me")
    assert runs.config(run).layers == 1
    assert runs.owner(run) == "me"


def test_a_corpus_that_is_gone_does_not_contradict_however_it_is_spelt(new_run, corpus, monkeypatch):
    run = new_run("one")
    monkeypatch.chdir(corpus.parent)
    for spelling in ("corpus.txt", f"../{corpus.parent.name}/corpus.txt"):
        assert open_for_resume("one", {"corpus": spelling}) == run
    corpus.unlink()
    assert open_for_resume("one", {"corpus": "corpus.txt"}) == run
    with pytest.raises(LearnerError, match="--corpus"):
        open_for_resume("one", {"corpus": "other.txt"})
