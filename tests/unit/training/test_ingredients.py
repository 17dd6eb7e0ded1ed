"""Taking an ingredient away changes what it says and nothing else, and reads as much text."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from llmlab.models.gpt import GPT
from llmlab.training import comparison, ingredients, recipes, runs, starting_model
from llmlab.training.config import TrainConfig


def recipe(**words):
    return ingredients.whole(recipes.configure({"corpus": "tales-en"} | words))


@pytest.mark.parametrize("name", [i.name for i in ingredients.INGREDIENTS] + [ingredients.EVERYTHING])
def test_only_the_named_fields_differ_and_as_much_text_is_read(name):
    whole = recipe(precision="bfloat16")
    taken = ingredients.without(whole, name)
    changed = {field for field, value in asdict(taken).items() if value != asdict(whole)[field]}
    assert changed
    assert changed <= set(ingredients.named(name).without) | {"steps", "eval_every"}
    assert taken.steps * taken.tokens_per_step == whole.steps * whole.tokens_per_step


def test_what_a_recipe_has_not_cannot_be_taken_away():
    names = {i.name for i in ingredients.present(recipe(optimizer="adamw", precision="float32"))}
    assert not names & {"muon", "bfloat16"}
    assert ingredients.names(["bfloat16", "cooldown", "nonsense", "qk_norm"], recipe(precision="float32")) == [
        "qk_norm",
        "cooldown",
    ]


def test_measured_figures_are_of_ingredients_that_the_default_recipe_has():
    names = {i.name for i in ingredients.INGREDIENTS} | {ingredients.EVERYTHING}
    assert set(ingredients.measured().losses) <= names
    assert ingredients.measured().steps == ingredients.STEPS


def weights(run, config):
    torch.manual_seed(0)
    return starting_model.build(run, config, 11).requires_grad_(False)


def test_a_run_starts_as_it_was_asked_to(new_run):
    classic = {"width": 64, "layers": 2, "model": "gpt2"}
    own = weights(new_run("a", **classic), TrainConfig(corpus="x", **classic))
    torch.manual_seed(0)
    assert torch.equal(own.head.weight, GPT(own.config).head.weight)  # by default as its family does
    modern = {"width": 64, "layers": 2, "init": "normal"}
    block = weights(new_run("b", **modern), TrainConfig(corpus="x", **modern)).blocks[1]
    # GPT-2: 0.02, and 0.02/sqrt(2 * layers) where a layer writes to the residual stream
    assert float(block.feed_forward.up.weight.std()) == pytest.approx(0.02, rel=0.1)
    assert float(block.feed_forward.down.weight.std()) == pytest.approx(0.01, rel=0.1)
    zero = weights(new_run("c", **classic, init="zero"), TrainConfig(corpus="x", **classic, init="zero")).blocks[1]
    assert not zero.attention.output.weight.any()
    assert float(zero.attention.query.weight.std()) == pytest.approx(64**-0.5, rel=0.1)


def points(losses, *, tokens=100, speed=50.0):
    """Points every ten steps of `tokens` tokens; of every other one the validation loss is known."""
    return [
        {"step": 10 * i, "tokens": 10 * i * tokens, "tokens_per_second": speed}
        | ({"val_loss": loss} if loss is not None else {})
        for i, loss in enumerate(losses, 1)
    ]


def test_an_outcome_is_what_numpy_interpolates():
    base, other = points([4.0, None, 2.5, 2.0]), points([4.5, 3.5, 3.0, 2.75], speed=25.0)
    found = comparison.outcome(base, other)
    equal = np.interp(-2.75, [-4.0, -2.5], [10, 30])  # interp wants rising values
    assert (found.loss_with, found.loss_without, found.steps, found.steps_without) == (2.0, 2.75, 40, 40)
    assert found.steps_to_equal == pytest.approx(equal)
    assert found.times_the_text == pytest.approx(40 / equal)
    assert found.pace == pytest.approx(2.0)
    assert found.loss_in_that_time == pytest.approx(3.5)  # at half the speed: where it stood after 20 steps


def test_small_batches_are_compared_by_text_not_by_steps():
    base, other = points([4.0, 3.0, 2.0]), points([4.0, 3.0, 3.0] * 4, tokens=25)
    found = comparison.outcome(base, other)
    assert (found.steps, found.steps_without) == (30, 120)
    assert found.times_the_text == pytest.approx(30 / 20)


def test_a_run_that_ends_lower_has_no_catching_up():
    found = comparison.outcome(points([4.0, 3.0]), points([4.0, 2.0]))
    assert found.steps_to_equal is None
    assert found.times_the_text is None
    assert comparison.outcome(points([4.0]), points([None])) is None


def test_a_run_asked_to_do_the_same_is_found_again_a_finished_one_first(new_run):
    from llmlab.training.status import RunStatus
    from llmlab.training.status import write as write_status

    first, second = new_run("first"), new_run("second", sample_tokens=0)
    config = runs.config(first)
    write_status(second, RunStatus(state="finished"))
    assert comparison.found(config) == second
    assert comparison.found(replace(config, seed=1)) is None
    assert comparison.found(replace(config, init="normal")) is None
