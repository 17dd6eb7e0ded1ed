"""Tensors of which each process holds a part, and whole ones. Where no process shares, both are the same.

torch.distributed takes a while to load, and is loaded only for those who use it.
"""

from torch import Tensor


def spread_like(parameter: Tensor, whole: Tensor) -> Tensor:
    """This process's part of a whole tensor, where its parameter is spread over several processes."""
    if not hasattr(parameter, "device_mesh"):
        return whole
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(parameter, DTensor)
    # Every process has the whole, so that nothing needs to be sent.
    return distribute_tensor(
        whole.to(parameter.device), parameter.device_mesh, parameter.placements, src_data_rank=None
    )


def whole(value: Tensor) -> Tensor:
    """The opposite; every process has to ask for it at once."""
    found: Tensor = value.full_tensor() if hasattr(value, "full_tensor") else value
    return found
