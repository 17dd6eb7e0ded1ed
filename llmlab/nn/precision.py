"""Mixed precision: under autocast, matrix products are taken in bfloat16 while all between them stays in float32."""

import torch
from torch import Tensor


def factor(x: Tensor) -> Tensor:
    """x as a factor of several products: converted once here, instead of by autocast before each of them."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x
