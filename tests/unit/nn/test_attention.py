import pytest
import torch
import torch.nn.functional as F

from llmlab.nn.attention import Attention, causal_mask


def random_attention(**options: object) -> Attention:
    torch.manual_seed(0)
    sizes = {"n_heads": 4, "n_kv_heads": 4, "head_dim": 6, **options}
    return Attention(12, **sizes).double().eval()  # type: ignore[arg-type]


def test_against_torchs_multi_head_attention() -> None:
    ours = random_attention(head_dim=3, bias=True)
    theirs = torch.nn.MultiheadAttention(12, 4, batch_first=True, dtype=torch.float64).eval()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat((ours.query.weight, ours.key.weight, ours.value.weight)))
        theirs.in_proj_bias.copy_(torch.cat((ours.query.bias, ours.key.bias, ours.value.bias)))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    x = torch.randn(2, 7, 12, dtype=torch.float64)
    expected, _ = theirs(x, x, x, attn_mask=~causal_mask(7, 7, x.device)[0, 0])
    assert (ours(x) - expected).abs().max() < 1e-12


@pytest.mark.parametrize("n_kv_heads", [1, 2])
def test_grouped_heads_equal_repeated_ones(n_kv_heads: int) -> None:
    grouped, full = random_attention(n_kv_heads=n_kv_heads), random_attention()
    with torch.no_grad():
        for name in ("key", "value"):
            weight = getattr(grouped, name).weight.view(n_kv_heads, 6, 12)
            rows = [weight[head * n_kv_heads // 4] for head in range(4)]
            getattr(full, name).weight.copy_(torch.cat(rows))
        full.query.weight.copy_(grouped.query.weight)
        full.output.weight.copy_(grouped.output.weight)
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    assert (grouped(x) - full(x)).abs().max() < 1e-12


def test_causal_mask_of_a_continuation() -> None:
    mask = causal_mask(2, 5, torch.device("cpu"))
    assert mask[0, 0].tolist() == [[True, True, True, True, False], [True, True, True, True, True]]


def test_dropout_acts_on_the_weights_in_training() -> None:
    attention = random_attention(dropout=0.5)
    x = torch.randn(1, 6, 12, dtype=torch.float64)
    assert torch.equal(attention(x), attention(x))
    attention.train()
    assert not torch.equal(attention(x), attention(x))


def test_a_long_text_is_mixed_in_float32_under_autocast_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def mix(*parts: torch.Tensor, **options: object) -> torch.Tensor:
        seen.extend(part.dtype for part in parts)
        assert not torch.is_autocast_enabled("cpu")
        return real(*parts, **options)

    real = F.scaled_dot_product_attention
    monkeypatch.setattr(F, "scaled_dot_product_attention", mix)
    monkeypatch.setattr("llmlab.nn.attention.MOST_KEPT", 2)
    attention = Attention(8, n_heads=2, n_kv_heads=1, head_dim=4, qk_norm_eps=1e-6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert attention(torch.randn(1, 3, 8)).dtype == torch.bfloat16  # the projections stay in bfloat16
    assert seen == [torch.float32] * 3


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n_kv_heads", [1, 2])
def test_mixing_by_products_under_autocast_is_attention(n_kv_heads: int, causal: bool) -> None:
    torch.manual_seed(0)
    attention = Attention(16, n_heads=2, n_kv_heads=n_kv_heads, head_dim=8, causal=causal, qk_norm_eps=1e-6).train()
    inputs = torch.randn(2, 9, 16)
    gradients = []
    for autocast in (False, True):
        x = inputs.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            attention(x).float().square().sum().backward()
        gradients.append(x.grad)
    plain, mixed = gradients
    assert plain is not None
    assert mixed is not None
    assert (plain - mixed).norm() < 0.02 * plain.norm()
