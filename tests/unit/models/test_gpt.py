import pytest
import torch
import torch.nn.functional as F

from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT, GPTConfig

STYLES = {
    "gpt2": GPTConfig(style="gpt2", vocab_size=31, context_length=24, n_layers=2, n_heads=4, d_model=32),
    "qwen3": GPTConfig(vocab_size=31, context_length=24, n_layers=2, n_heads=4, n_kv_heads=2, head_dim=10, d_model=32),
    "llama": GPTConfig(
        vocab_size=31, context_length=24, n_layers=2, n_heads=4, n_kv_heads=1, d_model=32, qk_norm=False
    ),
}
CONFIGS = pytest.mark.parametrize("config", STYLES.values(), ids=STYLES.keys())


def random_gpt(config: GPTConfig, dtype: torch.dtype = torch.float64, seed: int = 0) -> GPT:
    """A model in which no parameter has a special value such as 0 or 1."""
    torch.manual_seed(seed)
    model = GPT(config).to(dtype).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return model


@CONFIGS
def test_cached_logits_equal_uncached(config: GPTConfig) -> None:
    model = random_gpt(config)
    ids = torch.randint(0, 31, (2, 24))
    cache = model.new_cache(2, 24)
    pieces = [model(piece, cache=cache).logits for piece in ids.split([7, 1, 1, 9, 1, 5], dim=1)]
    assert cache.length == 24
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids).logits, rtol=0, atol=1e-6)


@CONFIGS
def test_a_truncated_cache_continues_from_there(config: GPTConfig) -> None:
    model = random_gpt(config)
    ids, other = torch.randint(0, 31, (1, 20)), torch.randint(0, 31, (1, 4))
    cache = model.new_cache(1)
    model(ids, cache=cache)
    cache.truncate(9)
    expected = model(torch.cat((ids[:, :9], other), dim=1)).logits[:, 9:]
    torch.testing.assert_close(model(other, cache=cache).logits, expected, rtol=0, atol=1e-6)


@CONFIGS
def test_a_cache_with_padding_equals_the_whole_with_padding(config: GPTConfig) -> None:
    model = random_gpt(config)
    ids = torch.randint(0, 31, (2, 12))
    mask = torch.ones(2, 12, dtype=torch.long)
    mask[0, :3] = 0
    whole = model(ids, mask).logits
    cache = model.new_cache(2, 12)
    pieces = [model(ids[:, :8], mask[:, :8], cache=cache).logits]
    pieces += [model(ids[:, t : t + 1], mask[:, : t + 1], cache=cache).logits for t in range(8, 12)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-6)


@CONFIGS
def test_no_position_sees_what_follows(config: GPTConfig) -> None:
    model = random_gpt(config)
    ids = torch.randint(0, 31, (1, 12))
    changed = ids.clone()
    changed[0, 7:] = (changed[0, 7:] + 1) % 31
    difference = (model(ids).logits - model(changed).logits).abs().amax(dim=-1)[0]
    assert difference[:7].max() == 0
    assert difference[7:].min() > 0


@CONFIGS
def test_padding_changes_nothing_to_its_right_end_and_is_finite(config: GPTConfig) -> None:
    model = random_gpt(config)
    ids = torch.randint(0, 31, (1, 12))
    mask = torch.tensor([[1] * 9 + [0] * 3])
    logits = model(ids, mask).logits
    torch.testing.assert_close(logits[:, :9], model(ids[:, :9]).logits, rtol=0, atol=1e-6)
    assert model(ids, torch.tensor([[0] * 5 + [1] * 7])).logits.isfinite().all()


@CONFIGS
def test_past_the_context_is_said_plainly(config: GPTConfig) -> None:
    model = random_gpt(config)
    with pytest.raises(LearnerError, match=r"25 tokens.*context_length=24"):
        model(torch.zeros(1, 25, dtype=torch.long))
    cache = model.new_cache(1)
    model(torch.zeros(1, 20, dtype=torch.long), cache=cache)
    with pytest.raises(LearnerError, match="25 tokens"):
        model(torch.zeros(1, 5, dtype=torch.long), cache=cache)
    small = model.new_cache(1, 4)
    model(torch.zeros(1, 2, dtype=torch.long), cache=small)
    with pytest.raises(LearnerError, match=r"2 of 4 positions.*3 more"):
        model(torch.zeros(1, 3, dtype=torch.long), cache=small)


@CONFIGS
def test_rounding_to_bfloat16_and_back_keeps_the_rotary_angles(config: GPTConfig) -> None:
    model = random_gpt(config, torch.float32)
    rounded = {name: value.bfloat16().float() for name, value in model.state_dict().items()}
    there_and_back = random_gpt(config, torch.float32).bfloat16().float()
    model.load_state_dict(rounded)
    ids = torch.randint(0, 31, (1, 24))
    torch.testing.assert_close(there_and_back(ids).logits, model(ids).logits, rtol=0, atol=0)


@CONFIGS
def test_bfloat16_autocast_trains_and_gives_float32_logits(config: GPTConfig) -> None:
    model = random_gpt(config, torch.float32).train()
    ids = torch.randint(0, 31, (2, 16))
    plain = model(ids).logits
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(ids).logits
    assert logits.dtype == torch.float32
    F.cross_entropy(logits.flatten(0, 1), ids.flatten()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert (logits - plain).abs().mean() < 0.05 * plain.abs().mean()
    assert model.bfloat16()(ids).logits.dtype == torch.float32


@CONFIGS
def test_a_new_model_starts_by_knowing_nothing(config: GPTConfig) -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 31, (8, 24))
    loss = F.cross_entropy(GPT(config)(ids).logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(torch.tensor(31.0).log().item(), abs=0.1)


@CONFIGS
def test_it_learns_a_sequence_by_heart(config: GPTConfig) -> None:
    torch.manual_seed(0)
    model = GPT(config)
    ids = torch.randint(0, 31, (2, 24))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids[:, :-1]).logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_tied_embeddings_are_one_parameter() -> None:
    config = STYLES["gpt2"]
    model = GPT(config)
    assert model.head.weight is model.token_embedding.weight
    assert model.double().head.weight is model.token_embedding.weight


def test_dropout_acts_in_training_only() -> None:
    model = random_gpt(GPTConfig(vocab_size=31, n_layers=1, d_model=32, dropout=0.5))
    ids = torch.randint(0, 31, (1, 8))
    assert torch.equal(model(ids).logits, model(ids).logits)
    model.train()
    assert not torch.equal(model(ids).logits, model(ids).logits)
