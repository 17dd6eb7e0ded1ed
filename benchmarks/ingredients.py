"""What each ingredient of the default recipe gives: the recipe beside itself without one, as in the speed lab.

Writes `llmlab/training/ingredients.toml`, from which the page takes its measured figures.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import Report
from benchmarks.serving import ROOT, environment
from llmlab.training import comparison, ingredients, recipes, runs

WHOLE = "the recipe"


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks ingredients")
    parser.add_argument("--corpus", default="tales-en")
    parser.add_argument("--only", nargs="*", help="these ingredients")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="rewrite the figures that the speed lab shows")
    options = parser.parse_args(words)
    report = Report("ingredients")
    found: dict[str, list[list[dict[str, Any]]]] = {}
    with tempfile.TemporaryDirectory() as home:
        os.environ["LLMLAB_HOME"] = home
        for seed in range(options.seeds):
            config = ingredients.whole(recipes.configure({"corpus": options.corpus, "seed": seed}))
            names = [i.name for i in ingredients.present(config)] + [ingredients.EVERYTHING]
            for name in (WHOLE, *(options.only if options.only is not None else names)):
                asked = config if name == WHOLE else ingredients.without(config, name)
                points = trained(asked, Path(home) / f"{name}-{seed}", Path(home))
                found.setdefault(name, []).append(points)
                print(f"  {name}, seed {seed}: {points[-1]['val_loss']:.3f}", file=sys.stderr, flush=True)
    for name, curves in found.items():
        report.value(name, [points[-1]["val_loss"] for points in curves], unit="nats", note=_note(found, name))
    report.details["corpus"] = options.corpus
    report.end()
    print("\n" + for_the_log(found))
    if options.write:
        _write(options.corpus, found)


def trained(config: Any, out: Path, home: Path) -> list[dict[str, Any]]:
    """The points of a run that was trained in a process of its own, as the app does it."""
    runs.create(config, out)
    command = [sys.executable, "-m", "llmlab.training.worker", str(out)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL)
    return runs.metrics(out)


def _note(found: dict[str, list[list[dict[str, Any]]]], name: str) -> str:
    if name == WHOLE:
        return ""
    outcome = comparison.outcome(found[WHOLE][0], found[name][0])
    assert outcome is not None
    text = "never as far" if outcome.times_the_text is None else f"{outcome.times_the_text:.2f} times the text"
    return f"{text}, {outcome.pace:.2f} times as long for the same text"


def for_the_log(found: dict[str, list[list[dict[str, Any]]]]) -> str:
    """The table as it stands in LOG.md, what costs most first."""
    lines = [f"The recipe: {_mean_loss(found[WHOLE]):.3f}.", "", "| without | loss | |", "|---|---|---|"]
    others = sorted((name for name in found if name != WHOLE), key=lambda name: -_mean_loss(found[name]))
    lines += [f"| {name} | {_mean_loss(found[name]):.3f} | {_note(found, name)} |" for name in others]
    return "\n".join(lines)


def _mean_loss(curves: list[list[dict[str, Any]]]) -> float:
    total: float = sum(points[-1]["val_loss"] for points in curves)
    return total / len(curves)


def _write(corpus: str, found: dict[str, list[list[dict[str, Any]]]]) -> None:
    loss = {name: _mean_loss(curves) for name, curves in found.items()}
    lines = [
        "# Validation losses at the end of short runs of the default recipe, and of the same without one ingredient;",
        "# written by `python -m benchmarks ingredients --write`.",
        f'date = "{datetime.now(UTC).date().isoformat()}"',
        f'corpus = "{corpus}"',
        f"steps = {ingredients.STEPS}",
        f"loss = {loss.pop(WHOLE):.3f}",
        "",
        "[losses]",
        *(f"{name} = {value:.3f}" for name, value in loss.items()),
    ]
    (ROOT / "llmlab" / "training" / ingredients.MEASURED).write_text("\n".join(lines) + "\n", encoding="utf-8")
