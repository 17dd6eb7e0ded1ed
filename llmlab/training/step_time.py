"""How long a training step takes on a CPU: a sum of terms, each an amount of work times a coefficient.

The coefficients were fitted to steps measured on one machine (`python -m benchmarks cost` measures again and rewrites
`step_time.toml`). For another machine they are scaled by how fast a matrix product is there and here.
"""

import time
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import psutil

from llmlab.models.config import ModelConfig
from llmlab.models.size import flops_per_token, parameters
from llmlab.training.config import TrainConfig

FILE = "step_time.toml"
TERMS = ("pass", "layer", "arithmetic", "attention", "elements", "logits", "weights", "orthogonal")
FIXED = ("pass", "layer")
"""What more threads do not make faster."""
NEWTON_SCHULZ = 5
"""Iterations with which Muon makes a matrix orthogonal."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What one measurement came to."""

    coefficients: dict[str, float]
    """Seconds for each unit of a term, on the machine that was measured, with all its cores."""
    threads_power: float
    """Work is done `threads ** threads_power` times faster than by one thread."""
    speed: float
    """Additions and multiplications a second in a matrix product, on that machine."""
    cores: int
    error: float
    """Factor within which nine of ten steps lay that the fit had not seen (leave one out)."""
    memory: tuple[float, float]
    """Peak memory that was measured, as a share of the formula's: the least and the most."""
    configurations: int
    """How many were measured."""
    smallest: int
    largest: int
    """Parameters of the smallest and the largest model measured."""


def work(config: TrainConfig, shape: ModelConfig) -> dict[str, float]:
    """How much of each term one step of a run does."""
    tokens = config.tokens_per_step
    sizes = parameters(shape)
    return {
        "pass": config.accumulate,
        "layer": config.accumulate * shape.n_layers,
        "arithmetic": tokens * flops_per_token(shape, context_length=config.context),
        "attention": tokens * config.context * shape.n_layers * shape.n_heads,
        "elements": tokens * shape.n_layers * (shape.d_model + shape.d_ff),
        "logits": tokens * shape.vocab_size,
        "weights": sizes.total,
        "orthogonal": _orthogonal(shape) if config.optimizer == "muon" else 0,
    }


def _orthogonal(shape: ModelConfig) -> float:
    """Additions and multiplications by which Muon makes the matrices of all layers orthogonal (Jordan et al. 2024).

    Each iteration on a matrix of m rows and n columns, m ≤ n, takes products of 2·m²·n, 2·m³ and 2·m²·n.
    """
    d, heads, kv = shape.d_model, shape.n_heads * shape.head_dim, shape.n_kv_heads * shape.head_dim
    inward = [shape.d_ff] * (2 if shape.style == "gpt" else 1)
    matrices = [(d, heads), (d, kv), (d, kv), (heads, d), *((d, n) for n in inward), (shape.d_ff, d)]
    ordered = [sorted(sizes) for sizes in matrices]
    return shape.n_layers * NEWTON_SCHULZ * sum(4 * m * m * n + 2 * m**3 for m, n in ordered)


def seconds_per_step(
    config: TrainConfig, shape: ModelConfig, *, cores: int, threads: int | None = None, fit: Fit | None = None
) -> float:
    """Seconds of one step by `threads` of `cores`, all by default, each as fast as those that were measured."""
    fit = fit or measured()
    done = work(config, shape)
    shared = (cores / (threads or cores)) ** fit.threads_power
    return sum(fit.coefficients[name] * done[name] * (1 if name in FIXED else shared) for name in TERMS)


@cache
def measured() -> Fit:
    """The fit that comes with llmlab."""
    found: dict[str, Any] = tomllib.loads((files("llmlab.training") / FILE).read_text(encoding="utf-8"))
    return Fit(
        coefficients=found["coefficients"],
        threads_power=found["threads_power"],
        speed=found["speed"],
        cores=found["cores"],
        error=found["error"],
        memory=(found["memory"]["least"], found["memory"]["most"]),
        configurations=found["configurations"],
        smallest=found["parameters"]["smallest"],
        largest=found["parameters"]["largest"],
    )


def product_speed(seconds: float = 0.1) -> float:
    """Additions and multiplications a second in a matrix product of float32, the best of many, with all cores."""
    a = np.ones((768, 768), dtype=np.float32)
    best = 0.0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or not best:
        began = time.perf_counter()
        a @ a
        best = max(best, 2 * 768**3 / (time.perf_counter() - began))
    return best


def cores() -> int:
    """Physical cores of this machine: as many threads train unless fewer are asked for."""
    return psutil.cpu_count(logical=False) or 1
