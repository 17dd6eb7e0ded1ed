"""Seconds and memory of a training step over a grid of shapes, and the fit that `plan` and the Train page rest on."""

import argparse
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.report import Report
from llmlab.models.size import parameter_count
from llmlab.training import cost, step_time
from llmlab.training.config import TrainConfig

FILE = Path(step_time.__file__).parent / step_time.FILE
MODEL = ("layers", "width", "context", "vocabulary", "batch")
GRID: list[dict[str, Any]] = [
    dict(zip(MODEL, sizes, strict=True)) | more
    for *sizes, more in [
        (1, 32, 16, 40, 4, {}),
        (1, 64, 32, 64, 8, {}),
        (2, 64, 64, 64, 32, {}),
        (4, 128, 64, 65, 32, {}),
        (4, 128, 64, 65, 128, {}),
        (4, 128, 256, 65, 8, {}),
        (4, 128, 1024, 65, 2, {}),
        (2, 128, 512, 65, 8, {}),
        (12, 64, 64, 65, 16, {}),
        (8, 96, 64, 65, 16, {}),
        (4, 256, 64, 8192, 8, {}),
        (4, 64, 64, 16384, 16, {}),
        (8, 256, 128, 4096, 8, {}),
        (6, 192, 128, 1024, 16, {"heads": 6}),
        (6, 384, 256, 65, 8, {"heads": 6}),
        (8, 512, 128, 1024, 8, {"heads": 8}),
        (12, 768, 128, 8192, 4, {"heads": 12}),
        (4, 128, 64, 65, 12, {"optimizer": "adamw"}),
        (6, 384, 256, 65, 8, {"heads": 6, "optimizer": "adamw", "model": "gpt2"}),
        (4, 128, 64, 65, 32, {"model": "gpt2"}),
        (4, 128, 64, 65, 32, {"threads": 1}),
        (6, 384, 256, 65, 4, {"heads": 6, "threads": 1}),
        (8, 256, 128, 4096, 8, {"threads": 1}),
    ]
]
TEXT_TOKENS = 40_000
REPEATS = 5
BLOCK_SECONDS = 0.5
QUIET = 0.04
"""Share of the processor that others may take during a block; a step on two threads suffers far more than that."""
PATIENCE = 120.0
"""Seconds to wait for quiet blocks; a shape that had none is left out of the fit."""


@dataclass(frozen=True)
class Measured:
    """One configuration: its step's work and its median seconds on a machine as fast as at its fastest."""

    config: TrainConfig
    vocabulary: int
    seconds: float
    others: float
    """Share of the processor that other programs had meanwhile."""
    memory: int
    speed: float
    load: float

    @property
    def threads(self) -> int:
        assert self.config.threads is not None
        return self.config.threads

    def work(self) -> dict[str, float]:
        return step_time.work(self.config, self.config.model_config(self.vocabulary))

    def name(self) -> str:
        c = self.config
        return f"{c.model} {c.optimizer} {c.layers}×{c.width}, {c.context} of {self.vocabulary}, {c.batch}, {c.threads}"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks cost")
    parser.add_argument("--keep", action="store_true", help="measure and print, but leave the fitted file alone")
    parser.add_argument(
        "--again", metavar="FILE", help="keep the quiet ones of this file of results, and measure the rest"
    )
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds to wait for a quiet machine, each time"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)  # a process of its own for each configuration
    options = parser.parse_args(words)
    if options.one:
        print(json.dumps(measure_one(json.loads(options.one), options.patience)))
        return
    report = Report("cost")
    kept = json.loads(Path(options.again).read_text())["details"]["steps"] if options.again else []
    every = measure([line for line in kept if _measured(line).others <= QUIET], options.patience)
    lines = [line for line in every if _measured(line).others <= QUIET]
    rows = run(lines)
    report.details["steps"] = every
    report.value("left out, as others were busy", [float(len(every) - len(lines))], unit="shapes")
    report.details["fit"] = rows
    for row in rows:
        report.value(
            row["what"], [row["seconds"]], unit="s", note=f"fit {row['fitted']:.4g} s, unseen {row['unseen']:.4g} s"
        )
    found = fit([_measured(line) for line in lines])
    errors = [abs(math.log(row["unseen"] / row["seconds"])) for row in rows]
    report.value("leave one out, median factor", [math.exp(statistics.median(errors))], unit="×")
    report.value("leave one out, nine of ten within", [found.error], unit="×")
    report.end()
    if not options.keep:
        write(found, [_measured(line) for line in lines])


def measure(kept: list[dict[str, Any]], patience: float) -> list[dict[str, Any]]:
    """Every configuration of the grid, each in a process of its own so that its peak memory is its own."""
    lines = []
    for shape in GRID:
        before = [line for line in kept if line["shape"] == shape]
        if before:
            lines += before
            continue
        command = [sys.executable, "-m", "benchmarks", "cost", "--one", json.dumps(shape), "--patience", str(patience)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"  {shape}: {_measured(lines[-1]).seconds:.4g} s", file=sys.stderr, flush=True)
    return lines


class Enough(BaseException):
    """Ends a training whose steps have been measured."""


def measure_one(shape: dict[str, Any], patience: float) -> dict[str, Any]:
    """A real training, ended as soon as enough blocks of its steps were timed on a quiet machine."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LLMLAB_HOME"] = scratch
        from llmlab.training import loop, pace, references, runs

        config = _config(shape, corpus=_text(shape["vocabulary"], Path(scratch) / "text.txt"))
        run = runs.create(config, Path(scratch) / "run")
        stopwatch = Stopwatch(pace.Pace.working, time.monotonic() + patience)
        setattr(pace.Pace, "working", lambda pace: stopwatch.working(pace))  # noqa: B010  # around every step, and nothing else
        setattr(references, "start", lambda run: None)  # noqa: B010  # counting in the background would disturb
        with suppress(Enough):
            loop.train(run)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "shape": shape,
        "threads": config.threads,
        "blocks": sorted(stopwatch.blocks, key=lambda block: block["others"])[:REPEATS],
        "memory": peak,
        "load": os.getloadavg()[0],
    }


class Stopwatch:
    """Times steps in blocks: seconds of a step, a matrix product just before, the share of the processor others had."""

    def __init__(self, working: Callable[[Any], AbstractContextManager[None]], until: float) -> None:
        self.blocks: list[dict[str, float]] = []
        self._step, self._until = working, until
        self._skip = 3
        self._begin()

    def working(self, pace: Any) -> AbstractContextManager[None]:
        """In place of `Pace.working`."""
        return self._around(self._step(pace))

    @contextmanager
    def _around(self, step: AbstractContextManager[None]) -> Iterator[None]:
        began = time.perf_counter()
        with step:
            yield
        if self._skip:
            self._skip -= 1
            return
        self._steps += 1
        self._seconds += time.perf_counter() - began
        if self._seconds >= BLOCK_SECONDS:
            self._end()

    def _begin(self) -> None:
        self._speed = step_time.product_speed(0.05)
        self._steps, self._seconds = 0, 0.0
        self._before = self._used()

    def _end(self) -> None:
        took, busy, ours = (after - before for after, before in zip(self._used(), self._before, strict=True))
        others = max(0.0, busy - ours) / took / (os.cpu_count() or 1)
        self.blocks.append({"seconds": self._seconds / self._steps, "speed": self._speed, "others": others})
        if sum(block["others"] <= QUIET for block in self.blocks) >= REPEATS or time.monotonic() > self._until:
            raise Enough
        self._begin()

    @staticmethod
    def _used() -> tuple[float, float, float]:
        """Seconds of the clock, of the processor by everybody, and by this process."""
        everyone, own = psutil.cpu_times(), psutil.Process().cpu_times()
        return time.perf_counter(), everyone.user + everyone.nice + everyone.system, own.user + own.system


def _text(symbols: int, file: Path) -> str:
    """Random characters, each of so many at least once."""
    draw = random.Random(0)
    known = [chr(0x4E00 + i) for i in range(symbols)]
    file.write_text("".join(known + draw.choices(known, k=TEXT_TOKENS)), encoding="utf-8")
    return str(file)


def _config(shape: dict[str, Any], corpus: str = "x") -> TrainConfig:
    words = {name: value for name, value in shape.items() if name != "vocabulary"}
    words.setdefault("threads", step_time.cores())
    return TrainConfig(corpus=corpus, steps=10_000, sample_tokens=0, device="cpu", **words)


def _measured(line: dict[str, Any]) -> Measured:
    blocks = line["blocks"]
    return Measured(
        _config(line["shape"] | {"threads": line["threads"]}),
        line["shape"]["vocabulary"],
        statistics.median(block["seconds"] for block in blocks),
        statistics.median(block["others"] for block in blocks),
        line["memory"],
        max(block["speed"] for block in blocks),
        line["load"],
    )


def run(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows: each step as measured, as fitted, and as the fit to all the others says."""
    found = [_measured(line) for line in lines]
    whole = fit(found)
    rows = []
    for one in found:
        without = _solve([other for other in found if other is not one], whole.speed)
        rows.append(
            {
                "what": one.name(),
                "seconds": one.seconds,
                "fitted": _predicted(one, whole),
                "unseen": _predicted(one, without),
                "load": one.load,
                "others": one.others,
            }
        )
    return rows


def fit(found: list[Measured]) -> step_time.Fit:
    """Least squares of the relative errors, no coefficient below zero; leave-one-out errors beside it."""
    speed = statistics.median(one.speed for one in found)
    errors = []
    for one in found:
        without = _solve([other for other in found if other is not one], speed)
        errors.append(abs(math.log(_predicted(one, without) / one.seconds)))
    whole = _solve(found, speed)
    shares = [one.memory / cost.memory_needed(one.config, one.vocabulary) for one in found]
    sizes = [parameter_count(one.config.model_config(one.vocabulary)) for one in found]
    return step_time.Fit(
        coefficients=whole.coefficients,
        threads_power=whole.threads_power,
        speed=speed,
        cores=whole.cores,
        error=math.exp(float(np.quantile(errors, 0.9))),
        memory=(min(shares), max(shares)),
        configurations=len(found),
        smallest=min(sizes),
        largest=max(sizes),
    )


def _solve(found: list[Measured], speed: float) -> step_time.Fit:
    """The best power of the threads among some, and the coefficients for it."""
    cores = max(one.threads for one in found)
    best: tuple[float, float, np.ndarray] | None = None
    for power in np.arange(0.0, 1.01, 0.05):
        rows = []
        for one in found:
            shared = (cores / one.threads) ** power
            done = one.work()
            rows.append([done[t] * (1 if t in step_time.FIXED else shared) / one.seconds for t in step_time.TERMS])
        solution, missed = _not_negative(np.array(rows))
        if best is None or missed < best[0]:
            best = (missed, float(power), solution)
    assert best is not None
    coefficients = dict(zip(step_time.TERMS, best[2].tolist(), strict=True))
    return step_time.Fit(
        coefficients=coefficients, threads_power=best[1], speed=speed, cores=cores, error=1.0, memory=(1.0, 1.0),
        configurations=len(found), smallest=1, largest=1,
    )  # fmt: skip


def _not_negative(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """x ≥ 0 that brings rows·x nearest to ones, and the squared distance: the best of least squares on all subsets."""
    scale = np.linalg.norm(rows, axis=0)
    a = rows / scale  # (measurements, terms)
    best, missed = np.zeros(a.shape[1]), math.inf
    for chosen in product((False, True), repeat=a.shape[1]):
        columns = np.flatnonzero(chosen)
        if not len(columns):
            continue
        x = np.linalg.lstsq(a[:, columns], np.ones(len(a)), rcond=None)[0]
        distance = float(((a[:, columns] @ x - 1) ** 2).sum())
        if (x >= 0).all() and distance < missed:
            best, missed = np.zeros(a.shape[1]), distance
            best[columns] = x
    return best / scale, missed


def _predicted(one: Measured, found: step_time.Fit) -> float:
    shape = one.config.model_config(one.vocabulary)
    return step_time.seconds_per_step(one.config, shape, cores=found.cores, threads=one.threads, fit=found)


def write(found: step_time.Fit, measurements: list[Measured]) -> None:
    """The fitted file."""
    others = max(one.others for one in measurements)
    lines = [
        "# Seconds of a training step on a CPU, written by `python -m benchmarks cost`; the terms: step_time.py.",
        "",
        f'measured = "{time.strftime("%Y-%m-%d")}"',
        f"configurations = {len(measurements)}",
        f"others = {others:.3f}  # at most this share of the processor was other programs' meanwhile",
        f"speed = {found.speed:.4g}  # multiplications and additions a second in a matrix product of 768 × 768",
        f"cores = {found.cores}",
        f"threads_power = {found.threads_power:.2f}",
        f"error = {found.error:.3f}  # nine of ten steps that the fit had not seen lay within this factor",
        "",
        "[coefficients]",
        *(f"{name} = {value:.4g}" for name, value in found.coefficients.items()),
        "",
        "[parameters]",
        f"smallest = {found.smallest}",
        f"largest = {found.largest}",
        "",
        "[memory]  # peak that was measured, as a share of the formula's",
        f"least = {found.memory[0]:.3f}",
        f"most = {found.memory[1]:.3f}",
    ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
