"""`list`: the models, corpora and runs that can be named on this machine."""

import argparse
from typing import Any, Literal

from llmlab.command_line.console import Console
from llmlab.command_line.fetch import size
from llmlab.i18n import Language


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Nothing to choose."""


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    models, corpora, trained = _entries("model", console.language), _entries("corpus", console.language), _runs()
    for heading, found in (("models", models), ("corpora", corpora)):
        console.show(console.say(heading))
        columns = ("name", "title", "languages", "size", "licence", "here")
        console.table(
            [console.say(f"column_{column}") for column in columns],
            [_entry_row(entry, console) for entry in found],
        )
        console.show("")
    console.show(console.say("runs"))
    if not trained:
        console.show(console.say("no_runs"))
        return {"models": models, "corpora": corpora, "runs": trained}
    columns = ("name", "state", "step", "val_loss", "parameters", "corpus")
    console.table([console.say(f"column_{column}") for column in columns], [_run_row(one, console) for one in trained])
    return {"models": models, "corpora": corpora, "runs": trained}


def _entries(kind: Literal["model", "corpus"], language: Language) -> list[dict[str, Any]]:
    from llmlab import hub

    return [
        {
            "name": entry.name,
            "title": entry.title[language],
            "languages": list(entry.languages),
            "size_bytes": entry.size_bytes,
            "licence": entry.licence,
            "source": entry.source,
            "local": hub.is_local(entry.name),
        }
        for entry in hub.entries(kind)
    ]


def _entry_row(entry: dict[str, Any], console: Console) -> list[str]:
    return [
        entry["name"],
        entry["title"],
        " ".join(entry["languages"]),
        size(entry["size_bytes"]) if entry["size_bytes"] else "–",
        entry["licence"],
        console.say("here" if entry["local"] else "to_fetch"),
    ]


def _runs() -> list[dict[str, Any]]:
    """The runs, newest first, then models that were imported under a name."""
    from llmlab.training import runs

    found = []
    for folder in runs.list_runs():
        status = runs.status(folder)
        found.append(
            {
                "name": folder.name,
                "path": str(folder),
                "state": status.state,
                "step": status.step,
                "val_loss": status.val_loss,
                "parameters": status.parameters,
                "corpus": runs.config(folder).corpus,
            }
        )
    unknown = dict.fromkeys(("step", "val_loss", "parameters", "corpus"))
    for folder in runs.list_imported():
        found.append({"name": folder.name, "path": str(folder), "state": "imported", **unknown})
    return found


def _run_row(one: dict[str, Any], console: Console) -> list[str]:
    step, val_loss, parameters = one["step"], one["val_loss"], one["parameters"]
    return [
        one["name"],
        console.say(f"state_{one['state']}"),
        "–" if step is None else f"{step:,}",
        "–" if val_loss is None else f"{val_loss:.4f}",
        "–" if parameters is None else f"{parameters:,}",
        one["corpus"] or "–",
    ]
