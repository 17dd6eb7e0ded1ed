"""How the next token is chosen: the settings, apart from torch so that help texts and pages can read them at once."""

import math
from dataclasses import dataclass

from llmlab.i18n import LearnerError

LARGEST_SEED = 2**63 - 1
LOWEST_TEMPERATURE = 1e-6  # dividing by less would overflow float32


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Settings of one decoding. The filters act in this order, which is that of `transformers`.

    Raises LearnerError for a value outside its range.
    """

    temperature: float = 1.0
    """Below 1 likely tokens win more often, above 1 unlikely ones do; 0 always takes the most likely (greedy)."""

    top_k: int | None = None
    """Keep only the k most likely tokens."""

    top_p: float | None = None
    """Keep the fewest most likely tokens that together reach this probability (nucleus sampling)."""

    min_p: float | None = None
    """Keep the tokens that are at least this fraction as likely as the most likely one."""

    repetition_penalty: float = 1.0
    """Above 1, tokens that already occur in the text become less likely; 1 leaves them alone."""

    seed: int = 0
    """The same seed with the same settings gives the same text, on any device that computes the same logits."""

    def __post_init__(self) -> None:
        if self.temperature != 0 and not LOWEST_TEMPERATURE <= self.temperature < math.inf:
            raise LearnerError("generation.temperature", value=self.temperature)
        if self.top_k is not None and self.top_k < 1:
            raise LearnerError("generation.top_k", value=self.top_k)
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise LearnerError("generation.top_p", value=self.top_p)
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise LearnerError("generation.min_p", value=self.min_p)
        if not (math.isfinite(self.repetition_penalty) and self.repetition_penalty > 0):
            raise LearnerError("generation.repetition_penalty", value=self.repetition_penalty)
        if not 0 <= self.seed <= LARGEST_SEED:
            raise LearnerError("generation.seed", value=self.seed, largest=LARGEST_SEED)
