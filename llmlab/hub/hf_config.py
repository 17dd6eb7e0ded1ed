"""config.json of transformers from a GPTConfig, and back. Imports neither torch nor transformers."""

from typing import Any

from llmlab.hub.families import FAMILIES, GPT2, LLAMA, QWEN3, Family
from llmlab.i18n import LearnerError
from llmlab.models.gpt_config import GPTConfig


def family_of(config: GPTConfig) -> Family:
    """The family in whose names a model of this config is saved."""
    if config.style == "gpt2":
        return GPT2
    return QWEN3 if config.qk_norm else LLAMA


def family_named(hf_config: dict[str, Any]) -> Family:
    """The family of a config.json. Raises LearnerError for one that we do not have."""
    model_type = hf_config.get("model_type")
    if model_type not in FAMILIES:
        raise LearnerError("hub.unknown_architecture", model_type=model_type, known=", ".join(FAMILIES))
    return FAMILIES[model_type]


def hf_config_dict(config: GPTConfig) -> dict[str, Any]:
    """What config.json says of this model. Token ids of begin, end and padding are null; `dtype` is left to the caller.

    What transformers cannot express stands under "llmlab" and is read back by `gpt_config`.
    """
    family = family_of(config)
    written: dict[str, Any] = {"model_type": family.model_type, "architectures": [family.architecture]}
    written |= {setting.key: getattr(config, setting.field) for setting in family.settings}
    written |= family.written
    written |= {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    if family is GPT2:
        written |= {"embd_pdrop": config.dropout, "attn_pdrop": config.dropout}
        if not config.bias:
            written["llmlab"] = {"bias": False}
    else:
        # transformers 5 reads `rope_parameters`; earlier versions and other programs read `rope_theta`
        written["rope_parameters"] = {"rope_type": "default", "rope_theta": config.rope_theta}
        written["rope_theta"] = config.rope_theta
    return written


def gpt_config(hf_config: dict[str, Any]) -> GPTConfig:
    """The GPTConfig of a config.json. Raises LearnerError for a family or a setting that we do not have."""
    family = family_named(hf_config)
    for key, values in family.supported.items():
        found = hf_config.get(key, values[0])
        if found not in values:
            raise LearnerError("hub.unsupported_setting", key=key, found=found, known=" / ".join(map(str, values)))
    if hf_config.get("quantization_config"):
        raise LearnerError("hub.quantized")
    fields = {setting.field: hf_config.get(setting.key, setting.default) for setting in family.settings}
    if family is GPT2:
        fields["bias"] = hf_config.get("llmlab", {}).get("bias", True)
    else:
        fields |= {"qk_norm": family.qk_norm, "rope_theta": _rope_theta(hf_config)}
    return GPTConfig(style=family.gpt_style, **fields)  # type: ignore[arg-type]


def _rope_theta(hf_config: dict[str, Any]) -> float:
    rope = hf_config.get("rope_parameters") or hf_config.get("rope_scaling") or {}
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind != "default":
        raise LearnerError("hub.unsupported_setting", key="rope_type", found=kind, known="default")
    if (partial := rope.get("partial_rotary_factor", hf_config.get("partial_rotary_factor", 1.0))) != 1.0:
        raise LearnerError("hub.unsupported_setting", key="partial_rotary_factor", found=partial, known="1.0")
    return float(rope.get("rope_theta") or hf_config.get("rope_theta") or 10_000.0)
