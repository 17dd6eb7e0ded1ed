import pytest

from llmlab.i18n import LearnerError
from llmlab.training import recipes
from llmlab.training.config import TrainConfig


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_can_be_trained(name):
    values = {"corpus": "x"} | recipes.recipe(name)
    config = TrainConfig(**values)
    assert config.steps or config.seconds
    assert recipes.configure({"corpus": "x", "recipe": name}).layers == config.layers


def test_nanogpt_is_what_nanogpt_publishes():
    config = recipes.configure({"corpus": "x", "recipe": "nanogpt"})
    shape = config.model_config(65)
    assert (shape.style, shape.n_layers, shape.n_heads, shape.d_model, shape.context_length) == ("gpt2", 4, 4, 128, 64)
    assert not shape.bias
    assert (config.batch, config.steps, config.warmup, config.peak_lr, config.final_lr) == (12, 2000, 100, 1e-3, 1e-4)
    assert (config.optimizer, config.schedule, config.weight_decay, config.clip) == ("adamw", "cosine", 0.1, 1.0)
    assert (config.beta1, config.beta2, config.dropout, config.precision) == (0.9, 0.99, 0.0, "float32")


def test_the_default_recipe_is_what_the_config_is_anyway():
    assert recipes.configure({"corpus": "x"}) == TrainConfig(corpus="x", **recipes.recipe("default"))


def test_a_word_changes_a_recipe_and_a_limit_replaces_its_limits():
    config = recipes.configure({"corpus": "x", "recipe": "nanogpt", "layers": 2, "seconds": 5.0, "batch": None})
    assert (config.layers, config.batch, config.steps, config.seconds) == (2, 12, None, 5.0)
    assert config.recipe == "nanogpt"


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(LearnerError, match="nanogpt"):
        recipes.recipe("nope")
