"""`import`: a model that was trained elsewhere, kept under a name of one's own."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.export import check_free
from llmlab.command_line.options import text
from llmlab.i18n import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("source", metavar="DIR|ID", type=text, help=say("cli.import_source", language))
    parser.add_argument("run", metavar="RUN", type=text, help=say("cli.import_run", language))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """The name is a model folder beside the runs: `generate`, `score`, `export` and `train --from` find it there."""
    from llmlab.training.runs import run_path

    target = run_path(arguments.run)
    check_free(target)

    from llmlab import hub

    source = Path(arguments.source).expanduser()
    model, tokenizer = hub.import_zip(source) if source.is_file() else hub.load(arguments.source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".import-", dir=target.parent) as work:
        folder = Path(work) / "model"
        hub.save(model, tokenizer, folder)
        folder.replace(target)
    console.show(console.say("imported", source=arguments.source, run=arguments.run, count=model.parameter_count()))
    return {"run": target.name, "path": str(target), "parameters": model.parameter_count()}
