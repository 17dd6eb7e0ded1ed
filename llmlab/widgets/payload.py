"""How an array travels to a widget: its bytes, deflated where that pays, as base64, with dtype and shape.

`unpack` in `shared.js` is the other end: the browser inflates with its own `DecompressionStream`.
"""

import base64
import zlib
from typing import TypedDict

import numpy as np
import numpy.typing as npt

_TYPES = {"u1": "u1", "i1": "i1", "u2": "<u2", "i2": "<i2", "u4": "<u4", "i4": "<i4", "f4": "<f4", "f8": "<f8"}


class Packed(TypedDict):
    """An array as JSON."""

    dtype: str
    """"u1", "f4" …: kind and bytes an element, little-endian."""
    shape: list[int]
    deflated: bool
    """Whether `data` is a zlib stream (RFC 1950), which a browser calls "deflate"."""
    data: str
    """Base64, elements in C order."""


def pack(array: npt.ArrayLike) -> Packed:
    """An array of whole numbers, float32 or float64, each value kept as it is.

    Raises ValueError for another type (booleans, float16, text): turn it into what the widget should see.
    """
    values = np.asarray(array)
    dtype = values.dtype.str[1:]
    if dtype not in _TYPES:
        raise ValueError(f"a widget cannot read {values.dtype}")
    raw = np.ascontiguousarray(values, dtype=_TYPES[dtype]).tobytes()
    small = zlib.compress(raw, 6)
    deflated = len(small) < 0.9 * len(raw)
    data = base64.b64encode(small if deflated else raw).decode("ascii")
    return Packed(dtype=dtype, shape=list(values.shape), deflated=deflated, data=data)
