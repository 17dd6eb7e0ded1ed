"""The model with which a run begins: freshly initialised, or one that was trained before."""

from dataclasses import asdict, replace
from pathlib import Path

from llmlab import hub
from llmlab.models.build import Model
from llmlab.models.build import build as build_model
from llmlab.models.config import read_config
from llmlab.models.gpt import GPT
from llmlab.training import durable, runs
from llmlab.training.config import TrainConfig


def build(run: Path, config: TrainConfig, vocab_size: int) -> Model:
    """The run's model in float32, its shape noted in `run.json`; a resumed run loads its weights afterwards."""
    about = runs.about(run)
    if "model" in about and (config.init_from is None or runs.last(run) is not None):
        return build_model(read_config(about["model"]))
    model = _fresh(config, vocab_size) if config.init_from is None else _opened(config.init_from, config)
    durable.write_json(run / runs.RUN, about | {"model": asdict(model.config)})
    return model


def _fresh(config: TrainConfig, vocab_size: int) -> Model:
    model = build_model(config.model_config(vocab_size))
    if config.init is not None and isinstance(model, GPT):
        model.initialise(config.init)
    return model


def _opened(name: str, config: TrainConfig) -> Model:
    model: Model = hub.load(runs.resolve(name))[0].float()
    if model.config.dropout == config.dropout:
        return model
    changed = build_model(replace(model.config, dropout=config.dropout))
    changed.load_state_dict(model.state_dict())
    return changed
