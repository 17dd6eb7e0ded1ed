"""Every way computes numpy's product, and the times are of a child process."""

import numpy as np
import pytest

from llmlab.autodiff.products import WAYS, by_loop, measure

RANDOM = np.random.default_rng(1)
A, B = RANDOM.normal(size=(7, 5)), RANDOM.normal(size=(5, 4))


@pytest.mark.parametrize("name", WAYS)
def test_a_way_gives_the_product(name: str) -> None:
    np.testing.assert_allclose(WAYS[name](A, B), np.einsum("ik,kj->ij", A, B), atol=1e-12)


def test_the_loop_gives_the_product() -> None:
    np.testing.assert_allclose(by_loop(A.tolist(), B.tolist()), np.einsum("ik,kj->ij", A, B), atol=1e-12)


def test_all_five_are_measured() -> None:
    seconds = measure(16)
    assert list(seconds) == ["loop", *WAYS]
    assert all(0 < value < 10 for value in seconds.values())
