import torch
from torch import nn

from llmlab.training.muon import Muon, orthogonal


def test_muon_is_torchs() -> None:
    torch.manual_seed(0)
    shapes = [(6, 6), (6, 10), (10, 6), (6, 6), (3, 4)]
    ours = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    own = Muon(ours, lr=0.05, momentum=0.9, weight_decay=0.2)
    torchs = torch.optim.Muon(theirs, lr=0.05, momentum=0.9, weight_decay=0.2, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        own.step()
        torchs.step()  # type: ignore[no-untyped-call]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-3)  # bfloat16 within
        torch.testing.assert_close(own.state[a]["momentum_buffer"], torchs.state[b]["momentum_buffer"])


def test_orthogonal_comes_near_u_v_transposed() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(2, 8, 20)
    values = torch.linalg.svdvals(orthogonal(matrices).float())
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    assert ((u @ v).flatten(1) * orthogonal(matrices).float().flatten(1)).sum(1).min() > 0.9 * 8 * 0.85


def test_a_matrix_without_a_gradient_stays() -> None:
    still = nn.Parameter(torch.ones(2, 3))
    Muon([still], lr=0.1, momentum=0.9, weight_decay=0.1).step()
    assert torch.equal(still, torch.ones(2, 3))
