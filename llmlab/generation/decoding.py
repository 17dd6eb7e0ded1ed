"""Writing a text token by token: read, choose, show, repeat."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from llmlab.generation.config import SamplingConfig
from llmlab.generation.distribution import Distribution, distribution
from llmlab.generation.reading import Reader, prompt_ids
from llmlab.generation.sampling import sample
from llmlab.generation.stopping import IncrementalDecoder, StopStrings
from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One generated token."""

    token_id: int

    text: str
    """What may be shown now: whole characters, nothing that may begin a stop string. Can be empty, or catch up."""

    probability: float
    """How likely this token was before anything was cut off, after repetition penalty and temperature."""

    distribution: Distribution | None = None
    """The candidates among which it was chosen, when asked for."""

    @property
    def top(self) -> list[tuple[int, float]]:
        """Token id and probability of the listed candidates, most likely first."""
        found = self.distribution
        return list(zip(found.ids, found.probabilities, strict=True)) if found else []


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A finished continuation."""

    text: str
    """The continuation alone, without the prompt, and without the stop string that ended it."""

    token_ids: list[int]
    """The new tokens only; an end-of-text token or a stop string that ended them is among them."""

    seconds: float
    tokens_per_second: float


def stream(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    *,
    max_new_tokens: int,
    sampling: SamplingConfig | None = None,
    stop: Sequence[str] = (),
    use_cache: bool = True,
    top: int = 0,
) -> Iterator[Step]:
    """Continue a prompt (a text or token ids), one Step a token.

    Ends after `max_new_tokens`, at the end-of-text token, or when the new text contains a string of `stop`. With
    `top` > 0 each step carries the distribution of its `top` likeliest tokens. A prompt longer than the context is read
    from its end. Raises LearnerError at once for characters that the vocabulary lacks and for impossible settings.
    """
    if max_new_tokens < 1:
        raise LearnerError("generation.max_new_tokens", value=max_new_tokens)
    ids = prompt_ids(tokenizer, prompt)
    return _steps(
        model, tokenizer, ids, max_new_tokens, sampling or SamplingConfig(), StopStrings(stop), use_cache, top
    )


def generate(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    *,
    max_new_tokens: int,
    sampling: SamplingConfig | None = None,
    stop: Sequence[str] = (),
    use_cache: bool = True,
) -> Generated:
    """The whole continuation at once; see `stream`."""
    started = time.perf_counter()
    steps = list(
        stream(
            model,
            tokenizer,
            prompt,
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            stop=stop,
            use_cache=use_cache,
        )
    )
    return finished(steps, time.perf_counter() - started)


def finished(steps: Sequence[Step], seconds: float) -> Generated:
    """The continuation that these steps make, and how fast it came."""
    return Generated(
        text="".join(step.text for step in steps),
        token_ids=[step.token_id for step in steps],
        seconds=seconds,
        tokens_per_second=len(steps) / max(seconds, 1e-9),
    )


def _steps(
    model: GPT,
    tokenizer: Tokenizer,
    ids: list[int],
    max_new_tokens: int,
    sampling: SamplingConfig,
    stop: StopStrings,
    use_cache: bool,
    top: int,
) -> Iterator[Step]:
    generator = torch.Generator().manual_seed(sampling.seed)
    decoder = IncrementalDecoder(tokenizer, ids)
    reader = Reader(model, longest=len(ids) + max_new_tokens, use_cache=use_cache)
    was_training = model.training
    model.eval()
    try:
        for remaining in range(max_new_tokens, 0, -1):
            logits = reader.next_logits(ids)
            token_id, probability = sample(logits, sampling, ids, generator)
            candidates = distribution(logits, tokenizer, sampling, ids, top=top) if top else None
            ids.append(token_id)
            ended = token_id == tokenizer.eos_id
            text = stop.push("" if ended else decoder.push(token_id))
            if not stop.found and (ended or remaining == 1):
                text += stop.push(decoder.flush()) + stop.flush()
            yield Step(token_id=token_id, text=text, probability=probability, distribution=candidates)
            if ended or stop.found:
                return
    finally:
        model.train(was_training)
