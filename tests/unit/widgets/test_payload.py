"""Arrays as they travel: every value comes back as it was."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from llmlab.widgets.payload import pack


def unpacked(packed):
    """What a browser does, in Python."""
    raw = base64.b64decode(packed["data"])
    raw = zlib.decompress(raw) if packed["deflated"] else raw
    return np.frombuffer(raw, dtype="<" + packed["dtype"]).reshape(packed["shape"])


@given(
    st.sampled_from(["u1", "<i2", ">u2", "<i4", "<f4", ">f4", "<f8"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=3, min_side=0))
    )
)
def test_every_value_comes_back(array):
    np.testing.assert_array_equal(unpacked(pack(array)), array)
    np.testing.assert_array_equal(unpacked(pack(array.T)), array.T)


def test_what_repeats_gets_small_and_what_does_not_stays():
    repeats = pack(np.tile(np.arange(8, dtype=np.uint8), 1000))
    assert repeats["deflated"]
    assert len(repeats["data"]) < 200
    noise = pack(np.random.default_rng(0).integers(0, 256, 8000, dtype=np.uint8))
    assert not noise["deflated"]
    assert len(noise["data"]) == 4 * -(-8000 // 3)


@pytest.mark.parametrize("dtype", [bool, np.float16, "U3", complex])
def test_other_types_are_refused(dtype):
    with pytest.raises(ValueError, match="cannot read"):
        pack(np.zeros(3, dtype=dtype))
