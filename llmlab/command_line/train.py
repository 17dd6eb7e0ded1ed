"""`train`: a run in this process, with its progress on stderr. Ctrl-C ends it with a checkpoint."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import add_config_options, given, text
from llmlab.i18n import Language, LearnerError, say
from llmlab.training.config import TrainConfig

METAVARS = {"corpus": "NAME|FILE", "recipe": "NAME", "init_from": "RUN|NAME|DIR", "device": "D", "cleaning": "STEP"}


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    from llmlab.training import recipes

    usual = recipes.recipe("default")
    add_config_options(parser, TrainConfig, language, spelling={"init_from": "from"}, metavars=METAVARS, defaults=usual)
    parser.add_argument("--out", metavar="RUN", type=text, help=say("cli.out", language))
    parser.add_argument("--resume", action="store_true", help=say("cli.resume", language))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from llmlab.training import runs

    folder, is_new = _open(given(arguments, TrainConfig), arguments.out, resume=arguments.resume)
    console.doing(console.say("preparing"))
    from llmlab.training.loop import process_start, train

    try:
        result = train(
            folder,
            resume=arguments.resume,
            report=_progress(folder, console),
            started=process_start() if console.owns_process else None,
        )
    except (LearnerError, KeyboardInterrupt):
        if is_new and runs.last(folder) is None:
            runs.discard(folder)  # so that the same words, mended, can use the same name
        raise
    console.interrupted = runs.status(folder).state == "stopped"
    if console.interrupted:
        console.note(console.say("stopped", run=arguments.out or folder.name))
    console.show(
        console.say(
            "trained",
            steps=f"{result['steps']:,}",
            time=clock(result["seconds"]),
            val_loss=_loss(result["val_loss"]),
            parameters=f"{result['parameters'] or 0:,}",
            checkpoint=result["checkpoint"],
        )
    )
    return result


def _open(words: dict[str, Any], out: str | None, *, resume: bool) -> tuple[Path, bool]:
    """The run's folder, and whether it was made just now."""
    from llmlab.training import recipes, runs
    from llmlab.training.resume import open_for_resume

    if "corpus" not in words and "recipe" in words and "corpus" in (values := recipes.recipe(words["recipe"])):
        words = words | {"corpus": values["corpus"]}
    if resume:
        if out is None:
            raise LearnerError("cli.resume_what")
        is_new = not runs.is_run(runs.run_path(out))
        return open_for_resume(out, words), is_new
    if "corpus" not in words:
        raise LearnerError("cli.no_corpus")
    return runs.create(recipes.configure(words), out), True


def _progress(folder: Path, console: Console) -> Callable[[dict[str, Any]], None]:
    from llmlab.training import runs

    val_loss: float | None = None
    begun = False

    def report(point: dict[str, Any]) -> None:
        nonlocal val_loss, begun
        if not begun:  # not earlier: a mistake in the words is one line and nothing before it
            console.note(console.say("run_folder", folder=folder))
            machine = runs.about(folder)["machine"]
            console.note(console.say("computing", **{n: machine[n] for n in ("device", "threads", "precision")}))
            begun = True
        val_loss = point.get("val_loss", val_loss)
        status = runs.status(folder)
        step = f"{point['step']:,}" + (f"/{status.steps:,}" if status.steps else "")
        words = [console.say("step", step=step), console.say("loss", loss=_loss(point["train_loss"]))]
        if val_loss is not None:
            words.append(console.say("val_loss", loss=_loss(val_loss)))
        words.append(console.say("speed", speed=f"{point['tokens_per_second']:,.0f}"))
        if status.time_left is not None:
            words.append(console.say("time_left", time=clock(status.time_left)))
        console.progress(" · ".join(words))

    return report


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def clock(seconds: float) -> str:
    """Seconds as `0:07`, `12:05` or `1:00:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
