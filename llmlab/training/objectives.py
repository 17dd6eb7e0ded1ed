"""What training makes small, by family: `NextToken` is a GPT's, `MaskedToken` (in `masked_objective`) a BERT's."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from llmlab.models.build import Model
from llmlab.models.ngram import NGram, uniform_loss, unigram_loss
from llmlab.text.batches import Windows
from llmlab.text.tokenizer import Tokenizer
from llmlab.training import samples
from llmlab.training.config import TrainConfig
from llmlab.training.evaluation import Validation
from llmlab.training.masked_objective import MaskedToken
from llmlab.training.objective import MOST_TRAINING_TOKENS, Batches, Measured, Objective
from llmlab.training.preparation import Prepared

ORDERS = {"char": 6}
OTHER_ORDER = 3
MOST_VALIDATION_TOKENS = 2_000_000


def objective(config: TrainConfig) -> Objective:
    """How a run of this config learns."""
    if config.model == "bert":
        return MaskedToken()
    return NextToken()


def next_token_loss(
    logits: Float[Tensor, "batch seq vocab"], targets: Int[Tensor, "batch seq"], *, reduction: str = "mean"
) -> Float[Tensor, ""]:
    """Cross-entropy of the logits at each position against the token that follows it, in nats per token."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction=reduction)


class NextToken:
    """Predict each token from those before it."""

    def batches(self, data: Prepared, config: TrainConfig) -> Batches:
        return Windows(data.train_ids, context_length=config.context, batch_size=config.batch, seed=config.seed)

    def loss(self, model: Model, tokenizer: Tokenizer) -> nn.Module:
        return NextTokenLoss(model)

    def predicted(self, *batch: Tensor) -> Tensor:
        _, targets = batch
        return torch.full((), targets.numel(), dtype=torch.float32, device=targets.device)

    def blank(self, context: int, device: torch.device) -> tuple[Tensor, ...]:
        ids = torch.zeros((1, context), dtype=torch.long, device=device)
        return ids, ids

    def validation(self, data: Prepared, config: TrainConfig) -> Measured:
        return Validation(
            data.val_ids,
            context_length=config.context,
            vocab_size=data.tokenizer.vocab_size,
            steering_tokens=config.eval_tokens,
            precision=config.precision,
        )

    def sample(self, model: Model, data: Prepared, config: TrainConfig) -> dict[str, str]:
        prompt = samples.prompt(data.tokenizer, data.val_ids)
        ids = samples.write(model, prompt, config.sample_tokens, config.seed)
        return {"prompt": data.tokenizer.decode(prompt), "text": data.tokenizer.decode(ids)}

    def references(self, data: Prepared, write: Callable[[dict[str, Any]], None]) -> None:
        """What is quick at once, then Kneser–Ney.

        In nats per token on the validation text (its first two million tokens). What is counted is the training text,
        or its last six million tokens; `tokens` says how many.
        """
        counted, val_ids = data.train_ids[-MOST_TRAINING_TOKENS:], data.val_ids[:MOST_VALIDATION_TOKENS]
        vocab_size = data.tokenizer.vocab_size
        found: dict[str, Any] = {
            "uniform": uniform_loss(vocab_size),
            "unigram": unigram_loss(counted, val_ids, vocab_size),
            "kneser_ney": None,
            "floor": data.about["floor"],
        }
        write(found)
        order = ORDERS.get(data.tokenizer.kind, OTHER_ORDER)
        loss = NGram(order).fit(counted, vocab_size).loss(val_ids)
        write(found | {"kneser_ney": {"order": order, "loss": loss, "tokens": len(counted)}})


class NextTokenLoss(nn.Module):
    """A model together with what it is to make small."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, targets: Tensor, predicted: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, both (batch, context); twice. Each such batch predicts as many tokens."""
        loss = next_token_loss(self.model(ids).logits, targets)
        return loss, loss.detach()
