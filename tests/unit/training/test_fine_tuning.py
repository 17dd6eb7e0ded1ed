import pytest
import torch

from llmlab import hub
from llmlab.i18n import LearnerError
from llmlab.training import loop, recipes, runs
from llmlab.training.config import TrainConfig
from tests.faults.texts import words


@pytest.fixture
def parent(new_run):
    run = new_run("parent", steps=40)
    loop.train(run)
    return run


def test_it_goes_on_from_the_models_weights_with_its_tokenizer(parent, tmp_path):
    (tmp_path / "other.txt").write_text(words(3000, seed=1))
    words_given = {"corpus": str(tmp_path / "other.txt"), "init_from": "parent", "steps": 1, "lr": 1e-9, "threads": 1}
    run = runs.create(recipes.configure(words_given), "child")
    assert runs.config(run).width == 16
    loop.train(run)
    before, tokenizer = hub.load(runs.best(parent))
    after, same = hub.load(runs.best(run))
    assert same.encode("bado") == tokenizer.encode("bado")
    for a, b in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    assert runs.metrics(run)[0]["train_loss"] < 2.9, "it begins with what it has learnt"


def test_the_learning_rate_is_lower_by_default(parent, corpus):
    config = recipes.configure({"corpus": str(corpus), "init_from": "parent"})
    assert config.peak_lr < TrainConfig(corpus="x").peak_lr / 2


def test_a_word_that_contradicts_the_model_is_refused(parent, corpus):
    for given in ({"layers": 2}, {"layers": 4}, {"context": 32}, {"tokenizer": "bpe"}, {"model": "gpt2"}):
        with pytest.raises(LearnerError, match="--" + next(iter(given))):
            recipes.configure({"corpus": str(corpus), "init_from": "parent", **given})
    with pytest.raises(LearnerError, match="--width"):
        runs.create(TrainConfig(corpus=str(corpus), init_from="parent", width=32), "child")


def test_a_shorter_context_is_kept(parent, corpus):
    config = recipes.configure({"corpus": str(corpus), "init_from": "parent", "context": 8, "steps": 2, "threads": 1})
    run = runs.create(config, "child")
    loop.train(run)
    assert runs.config(run).context == 8
    assert hub.load(runs.best(run))[0].config.context_length == 16


def test_characters_that_the_model_lacks_are_named(parent, tmp_path):
    (tmp_path / "other.txt").write_text(words(3000) + "Ω")
    run = runs.create(recipes.configure({"corpus": str(tmp_path / "other.txt"), "init_from": "parent"}), "child")
    with pytest.raises(LearnerError, match="Ω"):
        loop.train(run)


def test_what_is_no_model_is_said(corpus, tmp_path):
    with pytest.raises(LearnerError, match="no-such"):
        recipes.configure({"corpus": str(corpus), "init_from": "no-such"})
    with pytest.raises(LearnerError, match="model"):
        recipes.configure({"corpus": str(corpus), "init_from": str(tmp_path)})


def test_dropout_is_the_runs_and_resuming_is_exact(parent, corpus):
    words_given = {"corpus": str(corpus), "init_from": "parent", "steps": 10, "dropout": 0.3, "threads": 1}
    straight = runs.create(recipes.configure(words_given), "straight")
    loop.train(straight)
    assert hub.load(runs.best(straight))[0].config.dropout == 0.3
    stopped = runs.create(recipes.configure(words_given | {"checkpoint_seconds": 0.001}), "stopped")
    with pytest.raises(KeyboardInterrupt):
        loop.train(stopped, report=_interrupt_at(4))
    loop.train(stopped, resume=True)
    files = [(runs.last(run) / "model.safetensors").read_bytes() for run in (straight, stopped)]
    assert files[0] == files[1]


def _interrupt_at(step):
    def report(point):
        if point["step"] >= step:
            raise KeyboardInterrupt

    return report
