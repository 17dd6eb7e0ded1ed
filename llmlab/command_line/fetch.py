"""`fetch`: bring a model or corpus of the library to this machine."""

import argparse
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import text
from llmlab.i18n import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("name", metavar="NAME", type=text, help=say("cli.fetch_name", language))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from llmlab import hub

    entry = hub.entry(arguments.name)
    if not hub.is_local(entry.name):
        console.note(
            console.say(
                "fetching", name=entry.name, size=size(entry.size_bytes), licence=entry.licence, source=entry.source
            )
        )

    def progress(arrived: int, expected: int | None) -> None:
        console.progress(size(arrived) + (f" / {size(expected)}" if expected else ""))

    folder = hub.fetch(entry.name, progress=progress)
    console.show(str(folder))
    return {"name": entry.name, "kind": entry.kind, "path": str(folder)}


def size(count: int) -> str:
    """Bytes in megabytes, as people read them."""
    return f"{count / 1e6:.1f} MB"
