"""`plan`: what training so many parameters on so many tokens would take, before anybody trains."""

import argparse
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import text
from llmlab.i18n import Language, LearnerError, say
from llmlab.training.plan import CPU_WATTS, DEVICES, GPU_SHARE, TOKENS_PER_PARAMETER, Option, Plan

SCALES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
NUMBER = re.compile(r"(?i)([+-]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)([kmbt]?)")
UNITS = (("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400), ("years", 365.25 * 86_400))
MOST_CHARACTERS_READ = 20_000_000
"""A longer file is judged by its size, so that the answer comes at once."""


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    for name, required in (("params", True), ("tokens", True), ("context", False), ("vocab-size", False)):
        key = name.replace("-", "_")
        parser.add_argument(
            f"--{name}", metavar="N", type=text, required=required, help=say(f"cli.plan_{key}", language)
        )
    parser.add_argument(
        "--device",
        metavar="D",
        type=text,
        default="auto",
        help=say("cli.plan_device", language, devices=", ".join(DEVICES)),
    )
    parser.add_argument("--corpus", metavar="NAME|FILE", type=text, help=say("cli.plan_corpus", language))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from llmlab.training.plan import plan

    numbers = {
        name: None
        if getattr(arguments, name) is None
        else number(f"--{name.replace('_', '-')}", getattr(arguments, name))
        for name in ("params", "tokens", "context", "vocab_size")
    }
    assert numbers["params"] is not None
    assert numbers["tokens"] is not None
    found = plan(
        numbers["params"],
        numbers["tokens"],
        device=arguments.device,
        context=numbers["context"],
        vocab_size=numbers["vocab_size"],
        characters=None if arguments.corpus is None else _characters(arguments.corpus),
    )
    notes = _notes(found, arguments.corpus, console)
    _show(found, notes, console)
    return _answer(found, notes, with_epochs=arguments.corpus is not None)


def number(option: str, word: str) -> int:
    """`124M`, `1.5B`, `10k`, `2e9` or `1,000` as a whole number. Raises LearnerError for anything else."""
    matched = NUMBER.fullmatch(word.strip())
    value = float(matched[1].replace(",", "").replace("_", "")) * SCALES[matched[2].lower()] if matched else math.nan
    if not math.isfinite(value):
        raise LearnerError("cli.plan_number", word=option, value=word)
    return round(value)


def _characters(corpus: str) -> int:
    """Length of a text: the catalogue knows its own; a file is read, or where it is very long judged by its size."""
    from llmlab.hub import entries
    from llmlab.text.files import read_text

    known = {entry.name: entry for entry in entries("corpus")}
    if corpus in known:
        length = known[corpus].characters
        assert length is not None
        return length
    path = Path(corpus).expanduser()
    if not path.is_file():
        raise LearnerError("training.no_corpus", corpus=corpus, known=", ".join(known))
    size = path.stat().st_size
    return size if size > MOST_CHARACTERS_READ else len(read_text(path))


def _notes(found: Plan, corpus: str | None, console: Console) -> list[str]:
    """What the ranges rest on, and what should be thought of, one sentence or two each."""
    from llmlab.training import step_time

    kinds = {option.device for option in found.options}
    fit = step_time.measured()
    notes = []
    if "cpu" in kinds:
        runs = found.estimate.runs_here
        basis = console.say("plan_runs", n=runs) if runs else console.say("plan_probe")
        notes.append(console.say("plan_cpu", shapes=fit.configurations, factor=f"{fit.error:.2f}", basis=basis))
        if not fit.smallest <= found.parameters <= fit.largest:
            notes.append(console.say("plan_beyond", smallest=_short(fit.smallest), largest=_short(fit.largest)))
        notes.append(console.say("plan_cpu_energy", low=f"{CPU_WATTS[0]:.0f}", high=f"{CPU_WATTS[1]:.0f}"))
    else:
        shares = ", ".join(f"{name} {low:.0%}–{high:.0%}" for name, (low, high) in GPU_SHARE.items())
        notes.append(console.say("plan_gpu", shares=shares))
        sources = dict.fromkeys(option.source for option in found.options)
        notes.append(console.say("plan_sources", sources="; ".join(sources)))
    if found.is_far:
        notes.append(
            console.say(
                "plan_optimal",
                ratio=f"{found.tokens / found.parameters:.2g}",
                usual=TOKENS_PER_PARAMETER,
                tokens=_short(found.best_tokens),
            )
        )
    if corpus is not None and found.estimate.epochs is not None:
        notes.append(console.say("plan_epochs", corpus=corpus, times=_digits(found.estimate.epochs)))
    return notes


def _show(found: Plan, notes: list[str], console: Console) -> None:
    shape, config = found.shape, found.config
    console.show(
        console.say(
            "plan_model",
            parameters=f"{found.parameters:,}",
            layers=shape.n_layers,
            width=f"{shape.d_model:,}",
            heads=shape.n_heads,
            context=f"{shape.context_length:,}",
            vocabulary=f"{shape.vocab_size:,}",
        )
    )
    console.show(
        console.say(
            "plan_steps",
            tokens=f"{found.tokens:,}",
            steps=f"{config.steps:,}",
            each=f"{config.tokens_per_step:,}",
        )
    )
    console.show("")
    headings = [console.say(f"plan_column_{name}") for name in ("device", "time", "memory", "energy")]
    console.table(headings, [_row(option, console) for option in found.options])
    console.show("")
    for note in notes:
        console.show(note)


def _row(option: Option, console: Console) -> list[str]:
    memory = f"{_span(option.memory, 1e9)} / {option.memory_there / 1e9:.3g} GB"
    verdict = {True: "", False: console.say("plan_too_large"), None: console.say("plan_maybe")}[option.fits]
    low, high = option.watt_hours
    scale, unit = next((s, u) for s, u in ((1e6, "MWh"), (1e3, "kWh"), (1, "Wh")) if high >= s or s == 1)
    name = option.name if option.device == "cpu" else f"{option.name}, {option.precision}"
    return [
        name,
        _time(option.seconds, console),
        f"{memory} {verdict}".strip(),
        f"{_span((low, high), scale)} {unit}",
    ]


def _time(seconds: tuple[float, float], console: Console) -> str:
    """A span in the unit that suits its upper end."""
    name, scale = next((n, s) for n, s in reversed(UNITS) if seconds[1] >= 1.5 * s or s == 1)
    return console.say(f"plan_{name}", span=_span(seconds, scale))


def _span(values: tuple[float, float], scale: float) -> str:
    low, high = (_digits(value / scale) for value in values)
    return low if low == high else f"{low}–{high}"


def _digits(value: float) -> str:
    """Two digits: more would claim more than is known."""
    return f"{value:,.0f}" if value >= 9.5 else f"{float(f'{value:.2g}'):g}"


def _short(count: int) -> str:
    """Numbers as they may be given: 124M."""
    scale, unit = next(((s, u) for u, s in reversed(SCALES.items()) if count >= s), (1, ""))
    return f"{count / scale:.3g}{unit.upper() if unit != 'k' else unit}"


def _answer(found: Plan, notes: list[str], *, with_epochs: bool) -> dict[str, Any]:
    shape = found.shape
    options = []
    for option in found.options:
        spans = {name: value for name, value in asdict(option).items() if isinstance(value, tuple)}
        spans["watt_hours"] = option.watt_hours
        flat = {f"{name}_{end}": value[i] for name, value in spans.items() for i, end in enumerate(("low", "high"))}
        flat |= {"memory_there": option.memory_there, "fits": option.fits, "source": option.source or None}
        options.append({"name": option.name, "device": option.device, "precision": option.precision} | flat)
    return {
        "parameters": found.parameters,
        "tokens": found.tokens,
        "steps": found.config.steps,
        "batch": found.config.batch,
        "accumulate": found.config.accumulate,
        "layers": shape.n_layers,
        "heads": shape.n_heads,
        "width": shape.d_model,
        "context": shape.context_length,
        "vocab_size": shape.vocab_size,
        "compute_optimal_tokens": found.best_tokens,
        "epochs": found.estimate.epochs if with_epochs else None,
        "options": options,
        "notes": notes,
    }
