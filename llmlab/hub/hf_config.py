"""config.json of transformers from a config of ours, and back. Imports neither torch nor transformers."""

from typing import Any

from llmlab.hub.bert_family import BERT
from llmlab.hub.families import Family
from llmlab.hub.gpt_families import GPT2, LLAMA, QWEN3
from llmlab.i18n import LearnerError
from llmlab.models.config import ModelConfig

FAMILIES = {family.model_type: family for family in (GPT2, LLAMA, QWEN3, BERT)}


def family_of(config: ModelConfig) -> Family:
    """The family in whose names a model of this config is saved."""
    for family in FAMILIES.values():
        if all(getattr(config, field, None) == value for field, value in family.fixed.items()):
            return family
    raise AssertionError(f"no family for {config}")


def family_named(hf_config: dict[str, Any]) -> Family:
    """The family of a config.json. Raises LearnerError for one that we do not have."""
    model_type = hf_config.get("model_type")
    if model_type not in FAMILIES:
        raise LearnerError("hub.unknown_architecture", model_type=model_type, known=", ".join(FAMILIES))
    return FAMILIES[model_type]


def hf_config_dict(config: ModelConfig) -> dict[str, Any]:
    """What config.json says of this model. Token ids of begin, end and padding are null; `dtype` is the caller's."""
    family = family_of(config)
    written: dict[str, Any] = {"model_type": family.model_type, "architectures": [family.auto(config)[0]]}
    written |= {setting.key: getattr(config, setting.field) for setting in family.settings}
    written |= family.written
    written |= {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    return written | family.write(config)


def model_config(hf_config: dict[str, Any]) -> ModelConfig:
    """The config of ours for a config.json. Raises LearnerError for a family or a setting that we do not have."""
    family = family_named(hf_config)
    for key, values in family.supported.items():
        found = hf_config.get(key, values[0])
        if found not in values:
            raise LearnerError("hub.unsupported_setting", key=key, found=found, known=" / ".join(map(str, values)))
    if hf_config.get("quantization_config"):
        raise LearnerError("hub.quantized")
    fields = {setting.field: hf_config.get(setting.key, setting.default) for setting in family.settings}
    return family.config(**fields | family.fixed | family.read(hf_config))
