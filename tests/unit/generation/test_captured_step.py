"""A step of unchanging shapes gives what the forward pass gives: operation by operation here, recorded on a GPU."""

import pytest
import torch

from llmlab.generation.captured_step import CapturedStep
from llmlab.generation.reading import Reader

from .conftest import CONTEXT, random_model

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("style", ["gpt", "gpt2"])
@torch.inference_mode()
def test_logits_and_cache_are_those_of_the_forward_pass(style: str, dtype: torch.dtype, device: str) -> None:
    model = random_model(style, 40).to(device, dtype)
    ours, theirs = model.new_cache(1), model.new_cache(1)
    step = CapturedStep(model, ours)
    ids = torch.randint(40, (1, CONTEXT), generator=torch.Generator().manual_seed(1)).to(device)
    for cache in (ours, theirs):
        model(ids[:, :3], cache=cache)
    tolerance = {torch.float32: 2e-5, torch.float64: 1e-6, torch.bfloat16: 0.2}[dtype]
    for i in range(3, CONTEXT):
        expected = model(ids[:, i : i + 1], cache=theirs).logits[0, -1]
        torch.testing.assert_close(step(int(ids[0, i])), expected, atol=tolerance, rtol=tolerance)
    assert ours.length == theirs.length == CONTEXT
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        torch.testing.assert_close(a.keys, b.keys, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("device", DEVICES)
def test_a_reader_gives_the_same_on_every_device(device: str) -> None:
    model = random_model("gpt", 40).to(device)
    cached, uncached = Reader(model, longest=60), Reader(model, longest=60, use_cache=False)
    ids = [3, 1, 2]
    for _ in range(2 * CONTEXT):
        logits = cached.next_logits(ids)
        torch.testing.assert_close(logits, uncached.next_logits(ids), atol=1e-4, rtol=1e-4)
        assert logits.device.type == "cpu"
        ids.append(int(logits.argmax()))
