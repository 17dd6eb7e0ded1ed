"""A model of ours beside the transformers model of the same weights, and what it means that they agree."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from llmlab.models.gpt import GPT, GPTConfig

EXACT = 1e-9


class Pair:
    """Both models, in float64, with weights of which none is special (such as 0 or 1)."""

    def __init__(self, config: GPTConfig, seed: int) -> None:
        from llmlab.hub import to_hf

        torch.manual_seed(seed)
        self.ours = GPT(config).double().eval()
        with torch.no_grad():
            for parameter in self.ours.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.3)
        self.theirs = to_hf(self.ours)
        assert self.theirs.config._attn_implementation == "sdpa"
        assert self.theirs.dtype == torch.float64
        self.ids = torch.randint(0, config.vocab_size, (3, config.context_length - 3))

    def check_logits_loss_and_gradients(self, attention_mask: Tensor | None = None) -> None:
        from llmlab.hub.convert import to_hf_state

        labels = self.ids if attention_mask is None else self.ids.masked_fill(attention_mask == 0, -100)
        ours = self.ours(self.ids, attention_mask).logits
        theirs = self.theirs(input_ids=self.ids, attention_mask=attention_mask, labels=labels)
        real = labels != -100
        assert difference(ours[real], theirs.logits[real]) < EXACT

        ours_loss, theirs_loss = next_token_loss(ours, labels), next_token_loss(theirs.logits, labels)
        assert difference(ours_loss, theirs_loss) < EXACT
        assert difference(ours_loss, theirs.loss) < 1e-6  # transformers computes its own loss in float32

        ours_loss.backward()
        theirs_loss.backward()
        gradients = copy.deepcopy(self.ours)
        for gradient, parameter in zip(gradients.parameters(), self.ours.parameters(), strict=True):
            assert parameter.grad is not None
            gradient.data = parameter.grad
        by_name = to_hf_state(gradients)
        compared = {name: p.grad for name, p in self.theirs.named_parameters()}
        assert by_name.keys() == compared.keys()
        for name, gradient in compared.items():
            assert gradient.abs().max() > 0, name
            assert difference(by_name[name], gradient) < EXACT, name

    def check_there_and_back(self) -> None:
        from llmlab.hub import from_hf, to_hf

        back = from_hf(self.theirs)
        assert back.config == self.ours.config
        check_same(back.state_dict(), self.ours.state_dict())
        check_same(to_hf(back).state_dict(), self.theirs.state_dict())


def difference(ours: Tensor, theirs: Tensor) -> float:
    return (ours - theirs).abs().max().item()


def next_token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def check_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert torch.equal(one[name], other[name]), name


@pytest.fixture
def make_pair() -> Callable[..., Pair]:
    return lambda config, seed=0: Pair(config, seed)


@pytest.fixture
def left_and_right_padding() -> Callable[[Tensor], Tensor]:
    def mask(ids: Tensor) -> Tensor:
        padded = torch.ones_like(ids)
        padded[0, :5] = 0
        padded[1, -4:] = 0
        return padded

    return mask
