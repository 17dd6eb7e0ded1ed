import torch

from llmlab.nn.feed_forward import GeluFeedForward, SwiGLU


def test_gelu_is_the_tanh_approximation() -> None:
    torch.manual_seed(0)
    network = GeluFeedForward(6, 20).double()
    theirs = torch.nn.Sequential(network.up, torch.nn.GELU(approximate="tanh"), network.down)
    exact = torch.nn.Sequential(network.up, torch.nn.GELU(), network.down)
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    assert (network(x) - theirs(x)).abs().max() < 1e-12
    assert (network(x) - exact(x)).abs().max() > 1e-6


def test_swiglu_gates_with_silu() -> None:
    torch.manual_seed(0)
    network = SwiGLU(6, 16).double()
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    expected = network.down(torch.nn.SiLU()(network.gate(x)) * network.up(x))
    assert (network(x) - expected).abs().max() < 1e-12
