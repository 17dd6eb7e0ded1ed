"""Which parameters which optimizer moves, and what they remember: AdamW for every parameter, or Muon for the matrices
inside the blocks and AdamW for the rest.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from torch import Tensor, nn

from llmlab.training.adamw import AdamW
from llmlab.training.config import TrainConfig
from llmlab.training.muon import Muon
from llmlab.training.sharding import spread_like, whole


class Optimizer(Protocol):
    """What a training needs of an optimizer: `param_groups` with `params` and `lr`, `state` by parameter, `step`."""

    param_groups: list[dict[str, Any]]
    state: dict[Tensor, dict[str, Tensor]]

    def step(self) -> None:
        """Move the parameters by their gradients."""


def build(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """The optimizers of a run. Weight decay goes to matrices; biases and the gains of norms are left alone."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    hidden = _hidden_matrices(model) if config.optimizer == "muon" else []
    chosen = {id(p) for p in hidden}
    rest = [p for p in parameters if id(p) not in chosen]
    groups = [
        {"params": [p for p in rest if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    betas = (config.beta1, config.beta2)
    adamw = AdamW([g for g in groups if g["params"]], lr=config.peak_lr, betas=betas)
    if not hidden:
        return [adamw]
    muon = (_sharded_muon() if any(hasattr(p, "full_tensor") for p in hidden) else Muon)(
        hidden, lr=config.peak_lr, momentum=config.momentum, weight_decay=config.weight_decay
    )
    return [muon, adamw]


def _hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    return [p for name, p in model.named_parameters() if p.ndim == 2 and name.startswith("blocks.") and p.requires_grad]


def _sharded_muon() -> type[Muon]:
    from llmlab.training.sharded_muon import ShardedMuon  # torch.distributed takes a while to load

    return ShardedMuon


def set_lr(optimizers: Iterable[Optimizer], lr: float) -> None:
    """Set the learning rate of the next step."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = lr


def state_tensors(model: nn.Module, optimizers: Iterable[Optimizer]) -> dict[str, Tensor]:
    """All that the optimizers remember, by parameter and kind: `blocks.0.attention.query.weight/momentum_buffer`."""
    names: dict[Tensor, str] = {p: name for name, p in model.named_parameters()}
    return {
        f"{names[p]}/{kind}": whole(value.detach()).cpu().contiguous()
        for optimizer in optimizers
        for p, kinds in optimizer.state.items()
        for kind, value in kinds.items()
    }


def load_state_tensors(model: nn.Module, optimizers: Iterable[Optimizer], tensors: dict[str, Tensor]) -> None:
    """Give the optimizers back what `state_tensors` took. Raises KeyError for a parameter that is not the model's."""
    parameters = dict(model.named_parameters())
    holders = {id(p): o for o in optimizers for group in o.param_groups for p in group["params"]}
    for key, value in tensors.items():
        name, _, kind = key.rpartition("/")
        parameter = parameters[name]
        on_device = value if kind == "step" and parameter.device.type == "cpu" else value.to(parameter.device)
        if kind != "step":
            on_device = spread_like(parameter, on_device)
        holders[id(parameter)].state.setdefault(parameter, {})[kind] = on_device.clone()
