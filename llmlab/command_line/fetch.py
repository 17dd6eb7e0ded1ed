"""`fetch`: bring a model or corpus of the library to this machine."""

import argparse
from pathlib import Path
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import text
from llmlab.i18n import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("name", metavar="NAME", type=text, help=say("cli.fetch_name", language))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from llmlab import hub

    if "/" in arguments.name:
        from llmlab.hub.remote import download_model

        return {"name": arguments.name, "kind": "model", "path": _shown(download_model(arguments.name), console)}
    entry = hub.entry(arguments.name)
    if not hub.is_local(entry.name):
        words = {"name": entry.name, "size": size(entry.size_bytes), "licence": entry.licence, "source": entry.source}
        console.note(console.say("fetching", **words))
        if entry.memory_bytes:
            console.note(console.say("memory_needed", size=size(entry.memory_bytes)))

    def progress(arrived: int, expected: int | None) -> None:
        if expected and arrived >= expected:
            console.progress(console.say("fetch_preparing"))
        else:
            console.progress(size(arrived) + (f" / {size(expected)}" if expected else ""))

    folder = hub.fetch(entry.name, progress=progress)
    return {"name": entry.name, "kind": entry.kind, "path": _shown(folder, console)}


def _shown(folder: Path, console: Console) -> str:
    console.show(str(folder))
    return str(folder)


def size(count: int) -> str:
    """Bytes in megabytes, as people read them."""
    return f"{count / 1e6:.1f} MB"
