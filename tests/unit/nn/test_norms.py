import pytest
import torch
import torch.nn.functional as F

from llmlab.nn.norms import RMSNorm


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_rms_norm_against_torch(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    ours, theirs = RMSNorm(12, eps=1e-3), torch.nn.RMSNorm(12, eps=1e-3)
    with torch.no_grad():
        ours.weight.copy_(torch.randn(12))
        theirs.weight.copy_(ours.weight)
    x = torch.randn(3, 5, 12).to(dtype)
    tolerance = {torch.float64: 1e-6, torch.float32: 1e-6, torch.bfloat16: 2e-2}[dtype]
    torch.testing.assert_close(ours.to(dtype)(x), theirs.to(dtype)(x), rtol=tolerance, atol=tolerance)


def test_bfloat16_squares_in_float32() -> None:
    """300² + 299² needs more than bfloat16's eight bits."""
    x = torch.tensor([[300.0, 298.0]]).bfloat16()
    mean_square = x.float().square().mean().sqrt()
    assert torch.equal(RMSNorm(2, eps=1e-6).bfloat16()(x), (x.float() / mean_square).bfloat16())


def test_the_written_out_backward_pass_is_the_gradient() -> None:
    torch.manual_seed(0)
    norm = RMSNorm(12, eps=1e-2).train()
    x = torch.randn(3, 5, 12, requires_grad=True)
    towards = torch.randn(3, 5, 12)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(12))
    ours = torch.autograd.grad(norm(x), (x, norm.weight), towards)
    theirs = torch.autograd.grad(F.rms_norm(x, (12,), norm.weight, 1e-2), (x, norm.weight), towards)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    assert torch.equal(norm(x), norm(x.detach().clone()))


def test_the_gradient_of_the_gradient_is_torchs_too() -> None:
    torch.manual_seed(0)
    norm = RMSNorm(6, eps=1e-2).train()
    x = torch.randn(3, 6, requires_grad=True)
    found = []
    for normed in (norm(x), F.rms_norm(x, (6,), norm.weight, 1e-2)):
        first = torch.autograd.grad(normed.pow(3).sum(), (x, norm.weight), create_graph=True)
        found.append(torch.autograd.grad(sum(part.square().sum() for part in first), (x, norm.weight)))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-3)
