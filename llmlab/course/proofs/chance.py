"""Random numbers of the proofs, from generators of their own: an app that runs a proof goes on sampling undisturbed."""

from typing import TypeVar

import torch
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def drawn(module: Module, *, std: float = 0.3, seed: int = 0) -> Module:
    """The module with all of its matrices drawn anew from normal(0, std), and its biases at zero."""
    random = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            parameter.normal_(std=std, generator=random)
        elif "bias" in name:
            parameter.zero_()
    return module
