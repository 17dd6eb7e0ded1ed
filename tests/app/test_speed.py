"""The speed lab by its Python side: what a switch starts, what is reused, and that sentences come from the runs."""

import pytest

from llmlab.i18n import say
from llmlab.training import comparison, durable, ingredients, recipes, runs
from llmlab.training.jobs import LocalQueue
from llmlab.training.status import RunStatus
from llmlab.training.status import write as write_status


@pytest.fixture
def submitted(monkeypatch):
    found = []
    monkeypatch.setattr(LocalQueue, "submit", lambda self, run: found.append(run))
    monkeypatch.setattr(LocalQueue, "position", lambda self, run: 1)
    return found


def recipe(**words):
    return ingredients.whole(recipes.configure({"corpus": "tales-en"} | words))


def ended(config, losses, tokens_per_second=50.0):
    """A run of this config that came to its end with these validation losses, evenly over its steps."""
    run = comparison.found(config) or runs.create(config, runs.free_path("speed"), purpose="comparison")
    every = config.steps // len(losses)
    lines = [
        {"step": step, "tokens": step * config.tokens_per_step, "train_loss": loss, "val_loss": loss}
        | {"tokens_per_second": tokens_per_second}
        for step, loss in zip(range(every, config.steps + 1, every), losses, strict=True)
    ]
    durable.write_lines(run / "metrics.jsonl", lines)
    write_status(run, RunStatus(state="finished", step=config.steps, steps=config.steps, val_loss=losses[-1]))
    return run


def switch(session, name):
    toggle = next(t for t in session.app.toggle if t.key == f"speed_switch_{name}")
    toggle.set_value(not toggle.value).run()
    assert not session.broken(), session.said()


def test_a_switch_asks_for_both_runs_and_a_second_one_only_for_its_own(visit, submitted):
    session = visit("speed", lang="en")
    switch(session, "muon")
    assert [runs.config(run).optimizer for run in submitted] == ["muon", "adamw"]
    assert session.app.query_params["without"] == "muon"
    switch(session, "qk_norm")
    assert len(submitted) == 3
    assert not runs.config(submitted[-1]).qk_norm
    switch(session, "muon")
    switch(session, "muon")
    assert len(submitted) == 3  # trained before, or asked for: not again
    assert {runs.purpose(run) for run in submitted} == {"comparison"}


def test_the_sentence_is_computed_from_the_points_of_both_runs(visit, submitted):
    whole = recipe()
    ended(whole, [4.0, 3.0, 2.0])
    ended(ingredients.without(whole, "muon"), [4.0, 3.5, 3.0], tokens_per_second=25.0)
    session = visit("speed", lang="en", without="muon")
    said = session.said()
    assert "2.00 → 3.00 after 150 steps; it needs 1.5× the steps to get as far" in said
    assert "the same text takes 2.0× as long; in the time of the full recipe it came to 3.75" in said
    state = session.widget("loss_curve")[1]
    assert [run["name"] for run in state["runs"]] == ["full recipe", "without Muon"]
    ended(ingredients.without(whole, "muon"), [4.0, 3.0, 1.5])
    assert say("speed.better_without", "en") in visit("speed", lang="en", without="muon").said()
    ended(ingredients.without(whole, "muon"), [4.0, 3.0, 2.004])
    assert say("speed.like_noise", "zh") in visit("speed", lang="zh", without="muon", text="tales-en").said()


def test_an_address_trains_nothing_by_itself(visit, submitted):
    session = visit("speed", lang="en", without="muon,nonsense", seed="3")
    assert not submitted
    next(b for b in session.app.button if b.key == "speed_start").click().run()
    assert [runs.config(run).seed for run in submitted] == [3, 3]


def test_comparisons_are_no_models_to_look_at(visit, submitted):
    run = ended(recipe(), [4.0, 3.0])
    (run / "checkpoints" / "step-000150").mkdir(parents=True)
    session = visit("train", lang="en")
    assert not session.broken(), session.said()
    assert run.name not in visit(None, lang="en").said()
