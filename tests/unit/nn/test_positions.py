import torch

from llmlab.nn.positions import RotaryTable, rotate


def test_rotation_keeps_lengths_and_depends_on_distance_only() -> None:
    torch.manual_seed(0)
    table = RotaryTable(8, 64, theta=100.0)
    q, k = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def product(t: int, s: int) -> torch.Tensor:
        return (rotate(q, *table(t, 1, q.dtype)) * rotate(k, *table(s, 1, k.dtype))).sum()

    torch.testing.assert_close(product(9, 4), product(45, 40), rtol=1e-4, atol=1e-4)
    assert (product(9, 4) - product(4, 9)).abs() > 1e-3
    torch.testing.assert_close(rotate(q, *table(63, 1, q.dtype)).norm(), q.norm())


def test_against_complex_multiplication() -> None:
    table = RotaryTable(6, 10, theta=10_000.0)
    x = torch.randn(2, 3, 10, 6)
    frequencies = 10_000.0 ** (-torch.arange(3, dtype=torch.float64) / 3)
    turn = torch.exp(1j * torch.arange(10)[:, None] * frequencies)
    turned = torch.complex(x[..., :3].double(), x[..., 3:].double()) * turn
    expected = torch.cat((turned.real, turned.imag), dim=-1).float()
    torch.testing.assert_close(rotate(x, *table(0, 10, x.dtype)), expected)


def test_angles_stay_float32_through_casts() -> None:
    table = RotaryTable(6, 10, theta=10_000.0)
    before = table.cos.clone()
    assert torch.equal(table.bfloat16().cos, before)
    assert torch.equal(table.double().float().cos, before)
    assert not table.state_dict()


def test_the_gradient_of_a_rotation_is_the_rotation_back() -> None:
    torch.manual_seed(0)
    cos, sin = (part.double() for part in RotaryTable(8, 6, theta=100.0)(0, 6, torch.float32))
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: rotate(x, cos, sin), (x,))
    assert torch.equal(rotate(x, cos, sin), rotate(x.detach(), cos, sin))
