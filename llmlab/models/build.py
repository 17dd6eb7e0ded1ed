"""A model of any family from its config."""

from llmlab.models.bert import Bert, BertConfig
from llmlab.models.config import ModelConfig
from llmlab.models.gpt import GPT

Model = GPT | Bert


def build(config: ModelConfig) -> Model:
    """The freshly initialised model that a config describes."""
    return Bert(config) if isinstance(config, BertConfig) else GPT(config)
