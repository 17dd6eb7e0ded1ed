"""The distribution of the next token as a picture needs it: what was likely, what was cut off, and by which filter."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.generation.config import SamplingConfig
from llmlab.generation.reading import Reader, prompt_ids
from llmlab.generation.sampling import filter_steps, kept_mask
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """The most likely next tokens, most likely first. Probabilities are those before anything is cut off, after the
    repetition penalty and the temperature (temperature 0 shows them as at 1)."""

    ids: list[int]
    """Token ids, most likely first."""

    texts: list[str]
    """The same tokens as they are shown: space `·`, newline `⏎`, lone bytes in hex."""

    probabilities: list[float]
    """Before anything is cut off; sums to less than 1 when more tokens exist than are listed."""

    cut_by: list[str | None]
    """The filter that forbids each token (`greedy`, `top_k`, `top_p`, `min_p`), None where it may be drawn."""

    cut_mass: dict[str, float]
    """Probability that each filter takes away, over the whole vocabulary, in the order of the filters."""

    kept_count: int
    """How many tokens of the whole vocabulary may be drawn."""

    @property
    def kept(self) -> list[bool]:
        """Whether each listed token may be drawn."""
        return [cutter is None for cutter in self.cut_by]

    @property
    def tail_mass(self) -> float:
        """Probability of everything that was cut off, by whichever filter."""
        return sum(self.cut_mass.values())

    @property
    def unlisted_mass(self) -> float:
        """Probability of the tokens that are not listed."""
        return max(0.0, 1.0 - sum(self.probabilities))


def distribution(
    logits: Float[Tensor, " vocab"],
    tokenizer: Tokenizer,
    sampling: SamplingConfig,
    previous_ids: Sequence[int],
    *,
    top: int,
) -> Distribution:
    """Describe the next token: its `top` candidates, and what each filter of `sampling` cuts off."""
    reshaped = logits
    cutters: list[str] = []
    cutter_of = torch.zeros(logits.shape, dtype=torch.long)  # 0: kept, i: cut by cutters[i - 1]
    for name, filtered in filter_steps(logits, sampling, previous_ids):
        if name in ("repetition_penalty", "temperature"):
            reshaped = filtered
            continue
        cutters.append(name)
        newly_cut = ~kept_mask(filtered) & (cutter_of == 0)
        cutter_of[newly_cut] = len(cutters)
    probabilities = reshaped.softmax(dim=-1)
    mass = torch.zeros(len(cutters) + 1, dtype=probabilities.dtype).index_add(0, cutter_of, probabilities)
    listed = probabilities.topk(min(top, len(probabilities)))
    ids = listed.indices.tolist()
    return Distribution(
        ids=ids,
        texts=tokenizer.token_texts(ids),
        probabilities=listed.values.tolist(),
        cut_by=[cutters[i - 1] if i else None for i in cutter_of[listed.indices].tolist()],
        cut_mass=dict(zip(cutters, mass[1:].tolist(), strict=True)),
        kept_count=int((cutter_of == 0).sum()),
    )


def next_distribution(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    sampling: SamplingConfig | None = None,
    *,
    top: int = 20,
) -> Distribution:
    """What the model expects after the prompt (a text or token ids). Raises LearnerError as `stream` does."""
    ids = prompt_ids(tokenizer, prompt)
    logits = Reader(model, longest=len(ids), use_cache=False).next_logits(ids)
    return distribution(logits, tokenizer, sampling or SamplingConfig(), ids, top=top)
