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
PARTS = ("nanogpt", "hundred")


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks training")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args(words)
    parts = options.only or PARTS
    corpus = tiny_shakespeare()
    report = Report("training" if options.only is None else "training-" + "-".join(parts))
    if "nanogpt" in parts:
        beside_nanogpt(report, corpus, options.repeats)
    if "hundred" in parts:
        hundred_seconds(report, corpus, options.seeds)
    report.end()


def beside_nanogpt(report: Report, corpus: Path, repeats: int) -> None:
    """Their program, our repetition of their recipe, and ours until it has learnt what theirs is said to learn."""
    theirs, same, fast = [], [], []
    for _ in range(repeats):
        theirs.append(run_nanogpt(corpus))
        same.append(train(corpus, "--recipe", "nanogpt"))
        fast.append(train(corpus, "--recipe", "race"))
        print(f"  nanoGPT {theirs[-1]}, its recipe here {same[-1]}, race {fast[-1]}", file=sys.stderr, flush=True)
    report.value("nanoGPT, loss over the whole last tenth", [loss for _, loss in theirs], unit="nats")
    report.value("its recipe here, loss", [loss for _, loss in same], unit="nats")
    report.compare("its recipe, whole process", [s for s, _ in same], [s for s, _ in theirs], unit="s", reach=1 / 1.1)
    losses = [loss for _, loss in fast]
    report.value("`--recipe race`, loss", losses, unit="nats", at_most=GOAL)
    report.compare("to 1.8857, whole process", [s for s, _ in fast], [s for s, _ in theirs], unit="s", reach=5)


def hundred_seconds(report: Report, corpus: Path, seeds: int) -> None:
    """The same size with a hundred seconds, for several seeds, beside Kneser–Ney of order 6 on the same split."""
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
    losses, times = [], []
    for seed in range(seeds):
        took, loss = train(corpus, "--recipe", "hundred", "--seed", str(seed))
        losses.append(loss)
        times.append(took)
        print(f"  seed {seed}: {loss:.4f} in {took:.1f} s", file=sys.stderr, flush=True)
    spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
    report.value("`--recipe hundred`, whole process", times, unit="s", at_most=300)
    mean, note = statistics.mean(losses), f"mean of {seeds} seeds, ± {spread:.4f}"
    report.value("`--recipe hundred`, loss", [mean], unit="nats", at_most=1.55, note=note)
    report.details["`--recipe hundred`, each seed"] = losses


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
