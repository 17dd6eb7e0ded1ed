import pytest
import torch

from llmlab.i18n import LearnerError
from llmlab.nn.kv_cache import KVCache


def test_what_is_appended_is_returned_whole_and_in_place() -> None:
    cache = KVCache(2, 3, 1, 5, 4)
    first, second = torch.randn(3, 1, 2, 4), torch.randn(3, 1, 1, 4)
    for layer in cache.layers:
        layer.append(first, -first)
        keys, values = layer.append(second, -second)
        assert torch.equal(keys, torch.cat((first, second), dim=2))
        assert torch.equal(values, -keys)
    assert cache.length == 3
    assert cache.nbytes == 2 * 2 * 3 * 5 * 4 * 4


def test_truncating_goes_back_and_never_forward() -> None:
    cache = KVCache(1, 1, 1, 5, 4)
    cache.layers[0].append(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
    cache.truncate(2)
    cache.truncate(3)
    assert cache.length == 2


def test_a_full_cache_says_so() -> None:
    cache = KVCache(1, 1, 1, 5, 4)
    cache.check_room(5)
    with pytest.raises(LearnerError, match="new_cache"):
        cache.check_room(6)


def test_no_gradient_is_kept() -> None:
    cache = KVCache(1, 1, 1, 5, 4)
    k = torch.ones(1, 1, 2, 4, requires_grad=True)
    keys, _ = cache.layers[0].append(k, k)
    assert not keys.requires_grad
