"""Weights between our names and transformers', both ways, by the tables of `families`. Nothing is computed: tensors are
renamed, transposed, cut or joined, so that the way there and back is exact to the bit.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from llmlab.hub.families import Family, Weight
from llmlab.hub.hf_config import family_named, family_of, hf_config_dict, model_config
from llmlab.i18n import LearnerError
from llmlab.models.build import Model, build
from llmlab.models.config import ModelConfig

__all__ = ["from_hf_state", "hf_config_dict", "model_config", "to_hf_state"]

SHOWN_KEYS = 20


class _Uninitialised(TorchFunctionMode):
    """Leaves out the drawing of first weights, which a meta tensor answers by loading the compiler: over a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (
            func in (Tensor.normal_, Tensor.uniform_, Tensor.zero_)
            or getattr(func, "__module__", "") == "torch.nn.init"
        ):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def to_hf_state(model: Model) -> dict[str, Tensor]:
    """The model's weights under transformers' names, contiguous, in the model's dtype. A tied matrix is left out.

    A `gpt2` model without biases gets zeros for them, since transformers' GPT-2 always has biases.
    """
    ours = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    parts: dict[str, dict[int, Tensor]] = {}
    for weight in _weights(family_of(model.config), model.config):
        if weight.ours in ours:
            tensor = ours[weight.ours]
        else:
            sibling = ours[weight.ours.removesuffix("bias") + "weight"]
            tensor = sibling.new_zeros(sibling.shape[0])
        index = weight.part[0] if weight.part is not None else 0
        parts.setdefault(weight.theirs, {})[index] = tensor.t() if weight.transposed else tensor
    return {name: torch.cat([fused[i] for i in sorted(fused)], dim=-1).contiguous() for name, fused in parts.items()}


def from_hf_state(hf_config: dict[str, Any], state: Mapping[str, Tensor], *, heads: bool = True) -> Model:
    """A model with these weights, in their dtype, in eval mode. Tensors that need no change are taken over, not copied.

    `heads=False` opens a checkpoint of the base model alone: a GPT's untied head is then freshly initialised, a BERT
    has none. Raises LearnerError for a family we do not have, and for keys that are unexplained, missing or of the
    wrong shape.
    """
    family = family_named(hf_config)
    state = _todays_names(family, state)
    config = family.fit(model_config(hf_config), state, heads)
    weights = list(_weights(family, config))
    _check_keys(family, config, weights, state, heads)
    with torch.device("meta"), _Uninitialised():
        model = build(config)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    ours: dict[str, Tensor] = {}
    for weight in weights:
        if weight.ours not in shapes or weight.theirs not in state:
            continue
        tensor = _cut(weight, state[weight.theirs])
        if tensor.shape != shapes[weight.ours]:
            _complain_of_shape(weight, shapes[weight.ours], state[weight.theirs])
        ours[weight.ours] = tensor
    ours |= {name: ours[source] for name, source in model.tied.items()}
    if "head.weight" in shapes and "head.weight" not in ours:
        ours["head.weight"] = torch.empty_like(ours["token_embedding.weight"]).normal_(std=0.02)
    model.load_state_dict(ours, assign=True)
    model.tie()  # assigning made two of the one
    return model.eval()


def _weights(family: Family, config: ModelConfig) -> Iterator[Weight]:
    """The family's table with its layers counted out, without what this config has not."""
    for weight in family.tensors:
        if weight.when is not None and not weight.when(config):
            continue
        if "{layer}" not in weight.ours:
            yield weight
            continue
        for layer in range(config.n_layers):
            yield replace(weight, ours=weight.ours.format(layer=layer), theirs=weight.theirs.format(layer=layer))


def _todays_names(family: Family, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names as in the model with its heads, as transformers gives them today, and no buffers."""
    if not any(name.startswith(family.prefix) for name in state):
        state = {name if name.startswith(family.heads) else family.prefix + name: t for name, t in state.items()}
    for old, new in family.renamed:
        state = {name.removesuffix(old) + new if name.endswith(old) else name: t for name, t in state.items()}
    return {name: tensor for name, tensor in state.items() if not name.endswith(family.ignored)}


def _check_keys(
    family: Family, config: ModelConfig, weights: list[Weight], state: Mapping[str, Tensor], heads: bool
) -> None:
    expected = {weight.theirs for weight in weights}
    optional = set(family.spare) - expected
    optional |= {weight.theirs for weight in weights if family.written_as_zeros(weight.ours, config)}
    if not heads:
        optional |= {name for name in expected | state.keys() if name.startswith(family.heads)}
    if unexplained := sorted(state.keys() - expected - optional, key=_natural):
        raise LearnerError("hub.unexplained_keys", count=len(unexplained), keys=_listed(unexplained))
    if missing := sorted(expected - optional - state.keys(), key=_natural):
        raise LearnerError("hub.missing_keys", count=len(missing), keys=_listed(missing))


def _cut(weight: Weight, tensor: Tensor) -> Tensor:
    """Our tensor out of theirs."""
    if weight.part is not None:
        index, count = weight.part
        tensor = tensor.tensor_split(count, dim=-1)[index]
    return (tensor.t() if weight.transposed and tensor.dim() == 2 else tensor).contiguous()


def _complain_of_shape(weight: Weight, ours: torch.Size, theirs: Tensor) -> None:
    needed = list(ours)
    if weight.part is not None:
        needed[0] *= weight.part[1]
    needed = needed[::-1] if weight.transposed else needed
    raise LearnerError("hub.wrong_shape", key=weight.theirs, found=_shape(theirs.shape), needed=_shape(needed))


def _shape(sizes: Any) -> str:
    return " × ".join(map(str, sizes))


def _natural(name: str) -> list[str | int]:
    """Sorts layer 10 after layer 9."""
    return [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", name)]


def _listed(keys: list[str]) -> str:
    more = f", … (+{len(keys) - SHOWN_KEYS})" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more
