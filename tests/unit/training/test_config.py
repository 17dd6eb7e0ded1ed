import subprocess
import sys
from dataclasses import fields

import pytest

from llmlab.i18n import LearnerError, field_help
from llmlab.training.config import LIMITS, TrainConfig, word


def test_every_field_has_its_help():
    assert set(field_help(TrainConfig)) == {field.name for field in fields(TrainConfig)}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"width": 130}, ["130", "128", "132"]),
        ({"heads": 4, "kv_heads": 3}, ["3", "4"]),
        ({"model": "gpt2", "kv_heads": 2}, ["2", "4"]),
        ({"layers": 0}, ["--layers", "1"]),
        ({"batch": -1}, ["--batch"]),
        ({"lr": 0.0}, ["--lr"]),
        ({"lr": float("nan")}, ["--lr"]),
        ({"lr": 1e-3, "min_lr": 1e-2}, ["--min-lr", "--lr"]),
        ({"dropout": 1.0}, ["--dropout"]),
        ({"val_fraction": 1.0}, ["--val-fraction"]),
        ({"seconds": -3}, ["--seconds"]),
        ({"optimizer": "sgd"}, ["--optimizer", "adamw", "muon"]),
        ({"seed": -1}, ["--seed"]),
    ],
)
def test_what_cannot_be_is_said_with_the_fix(values, named):
    with pytest.raises(LearnerError) as raised:
        TrainConfig(corpus="x", **values)
    for text in (str(raised.value), raised.value.say("zh")):
        assert all(part in text for part in named), text


def test_there_is_always_a_limit():
    assert TrainConfig(corpus="x").steps
    for name in LIMITS:
        config = TrainConfig(corpus="x", **{name: 5})
        assert [limit for limit in LIMITS if getattr(config, limit) is not None] == [name]


def test_there_and_back_through_json():
    config = TrainConfig(corpus="x", cleaning=("whitespace",), seconds=3.5, kv_heads=2)
    assert TrainConfig.from_json(config.to_json()) == config


def test_a_field_of_a_later_version_is_no_obstacle():
    assert TrainConfig.from_json({"corpus": "x", "invented_later": 1}).corpus == "x"


def test_words_of_the_command_line():
    assert word("init_from") == "--from"
    assert word("until_val_loss") == "--until-val-loss"


def test_planning_loads_no_torch():
    rooms = "config, recipes, runs, resume, status, jobs, cost, references"
    code = f"import sys; from llmlab.training import {rooms}; print({{'torch', 'transformers'}} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_every_field_is_explained_in_chinese_too():
    english, chinese = field_help(TrainConfig), field_help(TrainConfig, "zh")
    assert [name for name in english if english[name] == chinese[name]] == []


def test_the_rotary_base_follows_the_context_and_stays_what_it_was_in_an_older_run():
    config = TrainConfig(corpus="x", context=96)
    assert config.model_config(10).rope_theta == 96
    assert TrainConfig(corpus="x", rope_theta=500.0).model_config(10).rope_theta == 500
    assert TrainConfig.from_json(config.to_json()).model_config(10).rope_theta == 96
    older = {name: value for name, value in config.to_json().items() if name != "rope_theta"}
    assert TrainConfig.from_json(older).model_config(10).rope_theta == 10_000
