"""Training a small GPT on tiny Shakespeare, whole processes, beside nanoGPT's recipe for a CPU and beside counting."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.contenders import run_nanogpt, tiny_shakespeare
from benchmarks.report import Report

GOAL = 1.8857
PATIENCE = 300.0


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks training")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; each keeps its results in a file")
    options = parser.parse_args(words)
    corpus = tiny_shakespeare()
    for part in options.only or PARTS:
        report = Report(f"training-{part}")
        PARTS[part](report, corpus, options)
        report.end()


def beside_nanogpt(report: Report, corpus: Path, options: argparse.Namespace) -> None:
    """Their program, our repetition of their recipe, and ours until it has learnt what theirs is said to learn."""
    theirs, same, fast = [], [], []
    for seed in range(options.repeats):  # of ours: theirs has one of its own
        theirs.append(run_nanogpt(corpus))
        same.append(train(corpus, "--recipe", "nanogpt", "--seed", str(seed)))
        fast.append(train(corpus, "--recipe", "race", "--seed", str(seed)))
        print(f"  nanoGPT {theirs[-1]}, its recipe here {same[-1]}, race {fast[-1]}", file=sys.stderr, flush=True)
    report.value("nanoGPT, loss over the whole last tenth", [loss for _, loss in theirs], unit="nats")
    report.value("its recipe here, loss", [loss for _, loss in same], unit="nats")
    report.compare("its recipe, whole process", [s for s, _ in same], [s for s, _ in theirs], unit="s", reach=1 / 1.1)
    losses = [loss for _, loss in fast]
    report.value("`--recipe race`, loss, the worst seed", [max(losses)], unit="nats", at_most=GOAL)
    report.details["`--recipe race`, each seed"] = losses
    report.compare("to 1.8857, whole process", [s for s, _ in fast], [s for s, _ in theirs], unit="s", reach=5)


def hundred_seconds(report: Report, corpus: Path, options: argparse.Namespace) -> None:
    """The same size with a hundred seconds, for several seeds."""
    losses, times = trained(corpus, "hundred", options.seeds)
    spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
    report.value("`--recipe hundred`, whole process", times, unit="s")
    mean, note = statistics.mean(losses), f"mean of {options.seeds} seeds, ± {spread:.4f}"
    report.value("`--recipe hundred`, loss", [mean], unit="nats", at_most=1.55, note=note)
    report.details["`--recipe hundred`, each seed"] = losses


def beside_counting(report: Report, corpus: Path, options: argparse.Namespace) -> None:
    """Until it predicts better than Kneser–Ney of order 6, which counts, on the same split."""
    import numpy as np

    from llmlab.models.ngram import NGram

    text = corpus.read_text(encoding="utf-8")
    symbols = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = np.array([symbols[character] for character in text])
    cut = int(len(ids) * 0.9)
    began = time.perf_counter()
    counted = NGram(6).fit(ids[:cut], len(symbols)).loss(ids[cut:])
    report.value("Kneser–Ney of order 6, seconds", [time.perf_counter() - began], unit="s")
    report.value("Kneser–Ney of order 6, loss", [counted], unit="nats")
    losses, times = trained(corpus, "counting", min(options.repeats, options.seeds))
    report.value("`--recipe counting`, whole process", times, unit="s", at_most=PATIENCE)
    report.value("`--recipe counting`, loss", losses, unit="nats", at_most=counted)


def trained(corpus: Path, recipe: str, seeds: int) -> tuple[list[float], list[float]]:
    """Losses and seconds of a recipe with each seed."""
    losses, times = [], []
    for seed in range(seeds):
        took, loss = train(corpus, "--recipe", recipe, "--seed", str(seed))
        losses.append(loss)
        times.append(took)
        print(f"  {recipe}, seed {seed}: {loss:.4f} in {took:.1f} s", file=sys.stderr, flush=True)
    return losses, times


def train(corpus: Path, *words: str) -> tuple[float, float]:
    """Train by the command line: seconds of the whole process, and the validation loss that it reports."""
    with tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch) / "run")
        began = time.perf_counter()
        command = [sys.executable, "-m", "llmlab", "train", "--corpus", str(corpus), "--out", out, "--json", *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        took = time.perf_counter() - began
    result: dict[str, Any] = json.loads(done.stdout)
    return took, result["val_loss"]


PARTS = {"nanogpt": beside_nanogpt, "hundred": hundred_seconds, "counting": beside_counting}
