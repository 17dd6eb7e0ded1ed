"""The config of a model of any family. Imports no torch."""

from typing import Any

from llmlab.models.bert_config import BertConfig
from llmlab.models.gpt_config import GPTConfig

ModelConfig = GPTConfig | BertConfig

STYLES: dict[str, type[GPTConfig] | type[BertConfig]] = {"gpt": GPTConfig, "gpt2": GPTConfig, "bert": BertConfig}
"""What a config's `style` can be, and whose it is."""


def read_config(values: dict[str, Any]) -> ModelConfig:
    """The config that `dataclasses.asdict` made these values of."""
    return STYLES[values["style"]](**values)
