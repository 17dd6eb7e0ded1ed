"""`export`: a model as a folder, or a zip of one, that transformers opens."""

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import text
from llmlab.i18n import Language, LearnerError, say

PAPERS = ("README.md", "LICENSE*")  # what a model brings along that is neither weights nor tokenizer


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("model", metavar="RUN|NAME", type=text, help=say("cli.model", language))
    parser.add_argument("folder", metavar="DIR", type=text, help=say("cli.export_folder", language))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    target = Path(arguments.folder).expanduser().absolute()
    check_free(target)

    from llmlab import hub
    from llmlab.training import runs

    source = runs.resolve(arguments.model)
    model, tokenizer = hub.load(source)  # nothing that does not open here is handed on
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".export-", dir=target.parent) as work:
        folder = Path(work) / "model"
        hub.save(model, tokenizer, folder)
        for paper in (path for pattern in PAPERS for path in source.glob(pattern)):
            shutil.copy(paper, folder)
        if target.suffix == ".zip":
            (Path(work) / "zip").write_bytes(hub.export_zip(folder, name=target.stem))
            folder = Path(work) / "zip"
        folder.replace(target)
    console.show(console.say("exported", target=target))
    return {"path": str(target), "parameters": model.parameter_count()}


def check_free(target: Path) -> None:
    """Raises LearnerError where something of the learner's would be overwritten."""
    if target.is_dir() and target.suffix != ".zip" and not any(target.iterdir()):
        return
    if target.exists():
        raise LearnerError("cli.target_taken", target=target)
