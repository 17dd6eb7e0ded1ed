import pytest
import torch
from torch.optim import AdamW

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.training import optimizers
from llmlab.training.config import TrainConfig
from llmlab.training.objectives import next_token_loss


def model():
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=11, context_length=8, n_layers=2, n_heads=2, d_model=16))


def learn(net, chosen, steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        ids = torch.randint(0, 11, (2, 9), generator=generator)
        next_token_loss(net(ids[:, :-1]).logits, ids[:, 1:]).backward()
        for optimizer in chosen:
            optimizer.step()
        net.zero_grad()
    return generator


def names_in(net, optimizer):
    names = {p: name for name, p in net.named_parameters()}
    return {names[p] for group in optimizer.param_groups for p in group["params"]}


def test_muon_has_the_matrices_in_the_blocks_and_adamw_the_rest():
    net = model()
    muon, adamw = optimizers.build(net, TrainConfig(corpus="x", optimizer="muon"))
    in_muon, in_adamw = names_in(net, muon), names_in(net, adamw)
    assert in_muon == {n for n, p in net.named_parameters() if n.startswith("blocks.") and p.ndim == 2}
    assert in_muon | in_adamw == {n for n, _ in net.named_parameters()}
    assert not in_muon & in_adamw


def test_only_matrices_decay():
    net = model()
    (adamw,) = optimizers.build(net, TrainConfig(corpus="x", optimizer="adamw", weight_decay=0.3))
    names = {p: name for name, p in net.named_parameters()}
    decays = {names[p]: g["weight_decay"] for g in adamw.param_groups for p in g["params"]}
    assert {n for n, d in decays.items() if d == 0.3} == {n for n, p in net.named_parameters() if p.ndim == 2}
    assert {d for n, d in decays.items() if "norm" in n} == {0.0}


def test_adamw_is_torchs():
    ours, theirs = model(), model()
    config = TrainConfig(corpus="x", optimizer="adamw", lr=1e-2, weight_decay=0.0, beta2=0.95)
    learn(ours, optimizers.build(ours, config), 3)
    learn(theirs, [AdamW(theirs.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.0)], 3)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_state_saved_and_loaded_continues_bit_for_bit(name):
    config = TrainConfig(corpus="x", optimizer=name)
    straight, stopped = model(), model()
    learn(straight, optimizers.build(straight, config), 5)

    first = optimizers.build(stopped, config)
    generator = learn(stopped, first, 3)
    kept = {key: value.clone() for key, value in optimizers.state_tensors(stopped, first).items()}
    resumed = model()
    resumed.load_state_dict(stopped.state_dict())
    again = optimizers.build(resumed, config)
    optimizers.load_state_tensors(resumed, again, kept)
    for _ in range(2):
        ids = torch.randint(0, 11, (2, 9), generator=generator)
        next_token_loss(resumed(ids[:, :-1]).logits, ids[:, 1:]).backward()
        for optimizer in again:
            optimizer.step()
        resumed.zero_grad()
    for a, b in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_learning_rate_is_set_everywhere():
    net = model()
    chosen = optimizers.build(net, TrainConfig(corpus="x"))
    optimizers.set_lr(chosen, 0.125)
    assert {group["lr"] for optimizer in chosen for group in optimizer.param_groups} == {0.125}
