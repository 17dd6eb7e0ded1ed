"""What a run will cost, before it is started: parameters, memory and time. Loads no torch.

Time is that of `step_time`, scaled by how fast this machine multiplies. The speed is measured once, in a tenth of a
second, and corrected by every run that ends here.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import psutil

from llmlab.hub.home import cache
from llmlab.i18n import LearnerError
from llmlab.models.config import ModelConfig
from llmlab.models.size import parameter_count, training_memory
from llmlab.training import durable, processor, step_time
from llmlab.training.config import TrainConfig

START_SECONDS = 4.0
"""Loading the libraries, reading the text, and measuring at the end."""

PROGRAM_BYTES = 400_000_000
"""Memory of the libraries."""

USUAL_VOCABULARY = {"char": 128, "bpe": 1024, "word": 4096, "wordpiece": 2048}
CHARACTERS_PER_TOKEN = {"char": 1, "bpe": 2.5, "word": 4.5, "wordpiece": 3.2}
REMEMBERED = 20
PROBES = 5

RUNS_HERE, PROBED = 1.15, 1.5
"""Factors by which a machine is off: one where runs were timed before, and one that was only probed."""
BEYOND = 1.5
"""Factor for each tenfold that a model is larger or smaller than all that were measured."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate. `seconds` and `tokens` are None for a run that ends at a validation loss only."""

    parameters: int
    memory_bytes: int
    """At its peak, on the device that trains."""
    memory_low: int
    memory_high: int
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None
    """Between these two most runs end."""
    tokens: int | None
    """Predictions that it learns from, the same text seen again included."""
    epochs: float | None
    """How many times the training text is seen."""
    runs_here: int
    """Earlier runs on this machine that corrected the estimate; 0 when its speed was only probed."""


def estimate(config: TrainConfig, corpus_characters: int, vocab_size: int | None = None) -> Cost:
    """The cost of a run. `corpus_characters`: length of the text; `vocab_size`: where the tokenizer is known."""
    shape = _shape(config, vocab_size)
    per_step = _seconds_per_step(config, shape)
    spread = _spread(config, shape)
    seconds = None if config.steps is None else START_SECONDS + config.steps * per_step
    if config.seconds is not None:
        seconds = config.seconds if seconds is None else min(seconds, config.seconds)
    steps = None if seconds is None else max(1, int((seconds - START_SECONDS) / per_step))
    if config.steps is not None and steps is not None:
        steps = min(steps, config.steps)
    tokens = None if steps is None else steps * config.tokens_per_step
    in_text = corpus_characters * (1 - config.val_fraction) / CHARACTERS_PER_TOKEN[config.tokenizer]
    exact = config.seconds is not None and seconds == config.seconds
    needed = memory_needed(config, vocab_size)
    least, most = step_time.measured().memory
    return Cost(
        parameters=parameter_count(shape),
        memory_bytes=needed,
        memory_low=int(needed * min(least, 1.0)),
        memory_high=int(needed * max(most, 1.0)),
        seconds=seconds,
        seconds_low=seconds if exact or seconds is None else seconds / spread,
        seconds_high=seconds if exact or seconds is None else seconds * spread,
        tokens=tokens,
        epochs=None if tokens is None else tokens / max(1.0, in_text),
        runs_here=len(_history(config)),
    )


def require_memory(config: TrainConfig, *, vocab_size: int | None = None, free: int | None = None) -> None:
    """Raise LearnerError, with the estimate, for a run that the memory cannot hold.

    `free`: bytes free where it will train; by default what this machine has free.
    """
    needed = memory_needed(config, vocab_size)
    free = psutil.virtual_memory().available if free is None else free
    if needed > free:
        raise LearnerError("training.memory", needed=_size(needed), free=_size(free))


def remember(config: TrainConfig, shape: ModelConfig, tokens_per_second: float, device: str) -> None:
    """Keep how fast a run was, for later estimates."""
    if device != "cpu":
        return
    predicted = _there(config, shape)
    taken = config.tokens_per_step / tokens_per_second
    fitted = step_time.measured().speed
    line = {
        "at": time.time(),
        "fit": fitted,
        "threads": config.threads,
        "precision": _precision(config),
        "ratio": taken / predicted,
    }
    lines = [*durable.read_lines(_file()), line][-REMEMBERED:]
    durable.write_lines(_file(), lines)


def _shape(config: TrainConfig, vocab_size: int | None) -> ModelConfig:
    return config.model_config(vocab_size or config.vocab_size or USUAL_VOCABULARY[config.tokenizer])


def memory_needed(config: TrainConfig, vocab_size: int | None = None) -> int:
    """Bytes at the peak of a run, the libraries included."""
    memory = training_memory(
        _shape(config, vocab_size),
        batch_size=config.batch,
        context_length=config.context,
        optimizer=config.optimizer,
        precision=_precision(config),
    )
    return memory.total + PROGRAM_BYTES


def _seconds_per_step(config: TrainConfig, shape: ModelConfig) -> float:
    ratios = _history(config)
    if ratios:
        return _there(config, shape) * median(ratios)
    return _there(config, shape) * step_time.measured().speed / _speed()


def _there(config: TrainConfig, shape: ModelConfig) -> float:
    """Seconds of a step on the machine that the fit was measured on, had it the cores that this one has."""
    return step_time.seconds_per_step(config, shape, cores=step_time.cores(), threads=config.threads)


def _spread(config: TrainConfig, shape: ModelConfig) -> float:
    """Factor within which nine of ten runs should end: the fit and this machine miss independently, and what lies
    beyond all that was measured is less certain still.
    """
    fit, count = step_time.measured(), parameter_count(shape)
    tenfolds = max(math.log10(count / fit.largest), math.log10(fit.smallest / count), 0.0)
    machine = RUNS_HERE if _history(config) else PROBED
    return math.exp(math.hypot(math.log(fit.error), math.log(machine)) + tenfolds * math.log(BEYOND))


def _history(config: TrainConfig) -> list[float]:
    """Of earlier runs with these threads and precision: their time as a share of what the same fit expected."""
    alike = {"threads": config.threads, "precision": _precision(config), "fit": step_time.measured().speed}
    lines = durable.read_lines(_file())
    return [line["ratio"] for line in lines if all(line.get(name) == value for name, value in alike.items())][-5:]


def _precision(config: TrainConfig) -> Literal["float32", "bfloat16"]:
    if config.precision == "auto":
        return "bfloat16" if processor.multiplies_bfloat16() else "float32"
    return config.precision


def _file() -> Path:
    return cache() / "pace.jsonl"


def _speed() -> float:
    """`step_time.product_speed` of this machine: the best of the first few, as others may be busy during one."""
    kept: Any = durable.read_json(cache() / "machine.json")
    best, probes = (kept.get("flops") or 0.0, kept.get("probes", 0)) if isinstance(kept, dict) else (0.0, 0)
    if probes < PROBES:
        best = max(best, step_time.product_speed())
        durable.write_json(cache() / "machine.json", {"flops": best, "probes": probes + 1}, synced=False)
    return float(best)


def _size(n_bytes: int) -> str:
    unit, scale = next((u for u in (("GB", 1e9), ("MB", 1e6)) if n_bytes >= u[1]), ("MB", 1e6))
    return f"{n_bytes / scale:,.3g} {unit}" if n_bytes < 1e12 else f"{n_bytes / 1e9:,.0f} GB"
