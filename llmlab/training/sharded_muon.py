"""Muon for matrices of which each process holds some rows."""

import torch
from torch.distributed.tensor import DTensor

from llmlab.training.muon import Muon, is_lying, lying, move, orthogonal
from llmlab.training.sharding import spread_like


class ShardedMuon(Muon):
    """Each matrix is brought together for the Newton–Schulz iteration, which needs it whole; momentum stays sharded."""

    @torch.no_grad()
    def step(self) -> None:
        """One update of every matrix."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                towards = self.remember(parameter, group["momentum"])
                assert isinstance(towards, DTensor)
                update = orthogonal(lying(towards.full_tensor())[None])[0].to(parameter.dtype)
                move(parameter, spread_like(parameter, update if is_lying(parameter) else update.mT), group)
