"""What a run will cost, before it is started: parameters, memory and time. Loads no torch.

Time is arithmetic divided by how fast this machine multiplies, plus a little for each layer of each step. The speed is
measured once, in a tenth of a second, and corrected by every run that ends here.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from llmlab.hub.home import cache
from llmlab.i18n import LearnerError
from llmlab.models.gpt_config import GPTConfig
from llmlab.models.size import flops_per_token, parameter_count, training_memory
from llmlab.training import durable
from llmlab.training.config import TrainConfig

EFFICIENCY = 0.45
"""Share of the speed of a large matrix product that training reaches."""

SECONDS_PER_STEP, SECONDS_PER_LAYER = 0.004, 0.0015
"""What a step costs however small the model is."""

START_SECONDS = 4.0
"""Loading the libraries, reading the text, and measuring at the end."""

PROGRAM_BYTES = 400_000_000
"""Memory of the libraries."""

USUAL_VOCABULARY = {"char": 128, "bpe": 1024, "word": 4096}
REMEMBERED = 20


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate. `seconds` and `tokens` are None for a run that ends at a validation loss only."""

    parameters: int
    memory_bytes: int
    """At its peak, on the device that trains."""
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None
    """Between these two most runs end."""
    tokens: int | None
    """Predictions that it learns from, the same text seen again included."""
    epochs: float | None
    """How many times the training text is seen."""


def estimate(config: TrainConfig, corpus_characters: int, vocab_size: int | None = None) -> Cost:
    """The cost of a run. `corpus_characters`: length of the text; `vocab_size`: where the tokenizer is known."""
    shape = _shape(config, vocab_size)
    per_step = _seconds_per_step(config, shape)
    spread = 1.3 if _history(config) else 2.0
    seconds = None if config.steps is None else START_SECONDS + config.steps * per_step
    if config.seconds is not None:
        seconds = config.seconds if seconds is None else min(seconds, config.seconds)
    steps = None if seconds is None else max(1, int((seconds - START_SECONDS) / per_step))
    if config.steps is not None and steps is not None:
        steps = min(steps, config.steps)
    tokens = None if steps is None else steps * config.tokens_per_step
    in_text = corpus_characters * (1 - config.val_fraction) / {"char": 1, "bpe": 2.5, "word": 4.5}[config.tokenizer]
    exact = config.seconds is not None and seconds == config.seconds
    return Cost(
        parameters=parameter_count(shape),
        memory_bytes=_memory(config, shape),
        seconds=seconds,
        seconds_low=seconds if exact or seconds is None else seconds / spread,
        seconds_high=seconds if exact or seconds is None else seconds * spread,
        tokens=tokens,
        epochs=None if tokens is None else tokens / max(1.0, in_text),
    )


def require_memory(config: TrainConfig, *, vocab_size: int | None = None, free: int | None = None) -> None:
    """Raise LearnerError, with the estimate, for a run that the memory cannot hold.

    `free`: bytes free where it will train; by default what this machine has free.
    """
    needed = _memory(config, _shape(config, vocab_size))
    free = psutil.virtual_memory().available if free is None else free
    if needed > free:
        raise LearnerError("training.memory", needed=_size(needed), free=_size(free))


def remember(config: TrainConfig, shape: GPTConfig, tokens_per_second: float, device: str) -> None:
    """Keep how fast a run was, for later estimates."""
    if device != "cpu":
        return
    predicted = _base_seconds_per_step(config, shape)
    taken = config.tokens_per_step / tokens_per_second
    line = {"at": time.time(), "threads": config.threads, "precision": config.precision, "ratio": taken / predicted}
    lines = [*durable.read_lines(_file()), line][-REMEMBERED:]
    durable.write_lines(_file(), lines)


def _shape(config: TrainConfig, vocab_size: int | None) -> GPTConfig:
    return config.model_config(vocab_size or config.vocab_size or USUAL_VOCABULARY[config.tokenizer])


def _memory(config: TrainConfig, shape: GPTConfig) -> int:
    memory = training_memory(
        shape,
        batch_size=config.batch,
        context_length=config.context,
        optimizer=config.optimizer,
        precision=config.precision,
    )
    return memory.total + PROGRAM_BYTES


def _seconds_per_step(config: TrainConfig, shape: GPTConfig) -> float:
    ratios = _history(config)
    return _base_seconds_per_step(config, shape) * (median(ratios) if ratios else 1.0)


def _base_seconds_per_step(config: TrainConfig, shape: GPTConfig) -> float:
    arithmetic = config.tokens_per_step * flops_per_token(shape, context_length=config.context)
    fixed = config.accumulate * (SECONDS_PER_STEP + SECONDS_PER_LAYER * config.layers)
    return fixed + arithmetic / (EFFICIENCY * _speed())


def _history(config: TrainConfig) -> list[float]:
    """Of earlier runs with these threads and precision: their time as a share of what was expected."""
    alike = ("threads", "precision")
    return [
        line["ratio"]
        for line in durable.read_lines(_file())
        if all(line.get(name) == getattr(config, name) for name in alike)
    ][-5:]


def _file() -> Path:
    return cache() / "pace.jsonl"


def _speed() -> float:
    """Multiplications and additions a second in a matrix product of float32, measured once on this machine."""
    kept: Any = durable.read_json(cache() / "machine.json")
    if isinstance(kept, dict) and kept.get("flops"):
        return float(kept["flops"])
    a = np.ones((768, 768), dtype=np.float32)
    best = 0.0
    until = time.perf_counter() + 0.1
    while time.perf_counter() < until or not best:
        began = time.perf_counter()
        a @ a
        best = max(best, 2 * 768**3 / (time.perf_counter() - began))
    durable.write_json(cache() / "machine.json", {"flops": best})
    return best


def _size(n_bytes: int) -> str:
    unit, scale = next((u for u in (("GB", 1e9), ("MB", 1e6)) if n_bytes >= u[1]), ("MB", 1e6))
    return f"{n_bytes / scale:,.3g} {unit}" if n_bytes < 1e12 else f"{n_bytes / 1e9:,.0f} GB"
