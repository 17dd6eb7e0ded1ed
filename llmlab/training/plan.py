"""Before anybody trains: time, memory and energy for so many parameters and tokens, each as a range. Loads no torch.

On a CPU the figures are `cost.estimate`'s, as on the Train page. Of GPUs nothing was measured: their figures are the
makers' peaks times the share of the peak that training usually reaches.
"""

import math
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import psutil

from llmlab.i18n import LearnerError
from llmlab.models.config import ModelConfig
from llmlab.models.gpt_config import GPTConfig
from llmlab.models.size import flops_per_token, parameter_count
from llmlab.training import cost, step_time
from llmlab.training.config import TrainConfig

DEVICES = ("auto", "cpu", "cuda", "mps")
LARGEST = 10**18
MOST_MEMORY = 20 * 10**12
"""Bytes: more than any one machine has."""

TOKENS_PER_PARAMETER = 20
"""Where a given amount of arithmetic teaches most (Hoffmann et al. 2022, table 3)."""
FAR = 2.0
"""Factor by which tokens may miss that without a remark."""

CPU_WATTS = (15.0, 45.0)
"""Processor package of a laptop under load, from thin ones (U series) to large ones (H series)."""
GPU_POWER = (0.4, 1.0)
"""Share of the board's power that training draws."""
GPU_SHARE = {"float32": (0.2, 0.7), "bfloat16": (0.15, 0.5)}
"""Share of the peak that training reaches: 0.21 for GPT-3, 0.46 for PaLM (Chowdhery et al. 2022, table 3), less for
small models and one GPU."""
GPU_LAYER_SECONDS = (0.0005, 0.003)
"""What each layer takes for each batch however small it is: starting some hundred kernels."""
GPU_MEMORY = (0.8, 1.4)
"""Factors by which the formula may be off on a device on which it was not measured."""

ASPECT = 48
"""Width of a model by its layers: between GPT-2's smallest (64) and largest (33)."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """What the training takes on one device. Ranges are (low, high)."""

    name: str
    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["float32", "bfloat16"]
    seconds: tuple[float, float]
    memory: tuple[int, int]
    """Bytes at its peak."""
    memory_there: int
    """Bytes that the device has."""
    watts: tuple[float, float]
    source: str
    """Whose figures they are; empty for this machine."""

    @property
    def watt_hours(self) -> tuple[float, float]:
        """Energy: power times time."""
        low, high = (w * s / 3600 for w, s in zip(self.watts, self.seconds, strict=True))
        return low, high

    @property
    def fits(self) -> bool | None:
        """Whether the memory is enough; None where the range does not say."""
        if self.memory[0] > self.memory_there:
            return False
        return True if self.memory[1] <= self.memory_there else None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The run that was planned, and what it takes on each device."""

    config: TrainConfig
    shape: ModelConfig
    tokens: int
    estimate: cost.Cost
    """As the Train page would show it for this machine's CPU."""
    options: tuple[Option, ...]

    @property
    def parameters(self) -> int:
        return self.estimate.parameters

    @property
    def best_tokens(self) -> int:
        """Compute-optimal for this many parameters."""
        return TOKENS_PER_PARAMETER * self.parameters

    @property
    def is_far(self) -> bool:
        """Whether the tokens are far from compute-optimal."""
        return abs(math.log(self.tokens / self.best_tokens)) > math.log(FAR)


def plan(
    parameters: int,
    tokens: int,
    *,
    device: str = "auto",
    context: int | None = None,
    vocab_size: int | None = None,
    characters: int | None = None,
) -> Plan:
    """What training a model of about `parameters` on `tokens` takes. `characters`: length of the text, where known.

    Raises LearnerError for sizes that cannot be.
    """
    devices = _devices(device)
    for word, value in {"params": parameters, "tokens": tokens, "context": context, "vocab-size": vocab_size}.items():
        if value is not None and not 1 <= value <= LARGEST:
            raise LearnerError("training.plan_range", word=f"--{word}", value=value, high=f"{LARGEST:.0e}")
    usual_vocabulary, usual_context, at_once, accumulate = _usual(parameters)
    vocab_size, context = vocab_size or usual_vocabulary, context or usual_context
    layers, heads, width = shape_for(parameters, vocab_size=vocab_size, context=context)
    batch = max(1, at_once // context)
    config = TrainConfig(
        corpus="tales-en",
        tokenizer="char" if vocab_size <= 256 else "bpe",
        layers=layers,
        heads=heads,
        width=width,
        context=context,
        batch=batch,
        accumulate=accumulate,
        steps=math.ceil(tokens / (batch * accumulate * context)),
        device="cpu" if devices == ["cpu"] else devices[0],
    )
    if cost.memory_needed(config, vocab_size) > MOST_MEMORY:
        raise LearnerError(
            "training.plan_memory", needed=f"{cost.memory_needed(config, vocab_size) / 1e12:,.0f}", most=20
        )
    estimate = cost.estimate(config, characters or 0, vocab_size)
    shape = config.model_config(vocab_size)
    options = [option for kind in devices for option in _options(kind, config, shape, estimate)]
    return Plan(config=config, shape=shape, tokens=tokens, estimate=estimate, options=tuple(options))


def shape_for(parameters: int, *, vocab_size: int, context: int) -> tuple[int, int, int]:
    """Layers, heads and width of the well-proportioned `gpt` whose parameters come nearest.

    Raises LearnerError when the token embeddings alone need more.
    """
    best: tuple[float, int, int, int] | None = None
    for heads, width in _widths():
        one, two = (_count(layers, heads, width, vocab_size, context) for layers in (1, 2))
        layers = max(1, round((parameters - one) / (two - one)) + 1)
        count = one + (layers - 1) * (two - one)
        missed = 10 * abs(math.log(count / parameters)) + abs(math.log(width / layers / ASPECT))
        if best is None or missed < best[0]:
            best = (missed, layers, heads, width)
        if one > 4 * parameters:
            break
    assert best is not None
    _, layers, heads, width = best
    count = _count(layers, heads, width, vocab_size, context)
    if count > 1.5 * parameters:
        raise LearnerError("training.plan_too_small", parameters=parameters, vocab_size=vocab_size, least=f"{count:,}")
    return layers, heads, width


def _widths() -> Iterator[tuple[int, int]]:
    """Heads and widths: heads of 64 numbers, smaller ones in small models."""
    yield from ((max(1, width // 16), width) for width in range(8, 64, 8) if width < 16 or width % 16 == 0)
    yield from ((width // 32, width) for width in range(64, 384, 32))
    yield from ((width // 64, width) for width in range(384, 65_537, 64))


def _count(layers: int, heads: int, width: int, vocab_size: int, context: int) -> int:
    return parameter_count(
        GPTConfig(vocab_size=vocab_size, context_length=context, n_layers=layers, n_heads=heads, d_model=width)
    )


def _usual(parameters: int) -> tuple[int, int, int, int]:
    """For a model of this size: vocabulary (characters, pieces, GPT-2's pieces), context, tokens at once, and how many
    times as many make a step. Large models take large steps, or Muon would cost as much as learning.
    """
    if parameters < 5_000_000:
        return cost.USUAL_VOCABULARY["char"], 64, 2048, 1
    if parameters < 50_000_000:
        return 4096, 256, 4096, 1
    return 50_257, 1024, 8192, 8


def _devices(word: str) -> list[str]:
    kind = word.split(":")[0]
    if kind not in DEVICES:
        raise LearnerError("training.device", device=word, known=", ".join(DEVICES))
    if kind != "auto":
        return [kind]
    if shutil.which("nvidia-smi"):
        return ["cuda"]
    return ["mps"] if sys.platform == "darwin" else ["cpu"]


def _options(kind: str, config: TrainConfig, shape: ModelConfig, estimate: cost.Cost) -> Iterator[Option]:
    if kind == "cpu":
        assert estimate.seconds_low is not None
        assert estimate.seconds_high is not None
        yield Option(
            name="CPU",
            device="cpu",
            precision="float32",
            seconds=(estimate.seconds_low, estimate.seconds_high),
            memory=(estimate.memory_low, estimate.memory_high),
            memory_there=psutil.virtual_memory().total,
            watts=CPU_WATTS,
            source="",
        )
        return
    for name, sheet in gpus().items():
        if sheet["device"] == kind:
            for precision in ("float32", "bfloat16"):
                if precision in sheet:
                    yield _gpu(name, sheet, precision, config, shape)


def _gpu(name: str, sheet: dict[str, Any], precision: Any, config: TrainConfig, shape: ModelConfig) -> Option:
    steps = config.steps or 0
    work = step_time.work(config, shape)
    operations = steps * (config.tokens_per_step * flops_per_token(shape, context_length=config.context))
    operations += int(steps * work["orthogonal"])
    peak = sheet[precision] * 1e12
    least, most = GPU_SHARE[precision]
    quick, slow = (steps * work["layer"] * seconds for seconds in GPU_LAYER_SECONDS)
    needed = cost.memory_needed(config, shape.vocab_size)
    return Option(
        name=name,
        device=sheet["device"],
        precision=precision,
        seconds=(operations / (peak * most) + quick, operations / (peak * least) + slow),
        memory=(int(needed * GPU_MEMORY[0]), int(needed * GPU_MEMORY[1])),
        memory_there=int(sheet["memory_gb"] * 1e9),
        watts=(sheet["watts"] * GPU_POWER[0], sheet["watts"] * GPU_POWER[1]),
        source=sheet["source"],
    )


@cache
def gpus() -> dict[str, dict[str, Any]]:
    """The GPUs whose figures are known, by name."""
    found: dict[str, dict[str, Any]] = tomllib.loads(
        (files("llmlab.training") / "gpus.toml").read_text(encoding="utf-8")
    )
    return found
