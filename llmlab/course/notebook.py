"""Writes the notebooks from the units: `python -m llmlab.course.notebook [NAME …] [--execute]`.

`notebooks/en/NAME.ipynb` and `notebooks/zh/NAME.ipynb` share their code cells; without --execute the outputs that a
notebook already has are kept where its code is the same.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llmlab.course.checking import exercise
from llmlab.course.formula import coloured_tex
from llmlab.course.glossary import term_words
from llmlab.course.prose import to_markdown
from llmlab.course.unit import Block, Unit, Words, tours, unit, units
from llmlab.i18n import LANGUAGES, Language, say

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
BEGIN = """\
import sys

sys.path.insert(0, "../..")  # the checkout, for when llmlab is not installed
from llmlab import course

course.begin()"""


def cells(unit: Unit, language: Language) -> list[tuple[str, str]]:
    """("markdown" or "code", source) of a unit's notebook."""
    found = [("markdown", _opening(unit, language)), ("code", BEGIN)]
    for block in unit.blocks:
        found += _cells_of(block, language)
    found.append(("markdown", _closing(unit, language)))
    return found


def build(unit: Unit, language: Language) -> Any:
    """The notebook, without outputs."""
    import nbformat

    made = nbformat.v4.new_notebook()
    made.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for index, (kind, source) in enumerate(cells(unit, language)):
        cell = nbformat.v4.new_markdown_cell(source) if kind == "markdown" else nbformat.v4.new_code_cell(source)
        cell["id"] = f"{unit.number:02d}-{index:03d}"
        made.cells.append(cell)
    return made


def path(unit: Unit, language: Language) -> Path:
    """Where the notebook lies."""
    return NOTEBOOKS / language / f"{unit.name}.ipynb"


def execute(notebook: Any, folder: Path, *, seconds: int = 600) -> None:
    """Run all of its cells in the folder where it lies, and keep their outputs."""
    from nbclient import NotebookClient

    folder.mkdir(parents=True, exist_ok=True)
    NotebookClient(notebook, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        cell.metadata = {}  # when it ran is nobody's business
        for output in cell.get("outputs", []):
            output.pop("execution_count", None) if output["output_type"] != "execute_result" else None
            _at_rest(output, "zh" if folder.name == "zh" else "en")
    notebook.metadata.pop("widgets", None)


def _at_rest(output: dict[str, Any], language: Language) -> None:
    """A live view is not kept, because its data are large and nobody would answer it: it says how it comes alive."""
    if output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None) is not None:
        output["data"] = {"text/plain": say("course.live_view", language)}


def stored_outputs(unit: Unit, language: Language) -> list[list[dict[str, Any]]]:
    """The outputs of each code cell in the notebook on disk, in order; empty when there is none."""
    file = path(unit, language)
    if not file.is_file():
        return []
    stored = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return [_whole(cell["outputs"]) for cell in stored if cell["cell_type"] == "code"]


def _whole(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was printed in several goes is one text."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        if found and output["output_type"] == found[-1]["output_type"] == "stream":
            found[-1] = {**output, "text": "".join([*found[-1]["text"], *output["text"]])}
        else:
            found.append(output)
    return found


def write(unit: Unit, language: Language, *, run: bool) -> Path:
    """Write the notebook; `run` executes it first, else outputs of unchanged cells are kept."""
    import nbformat

    made, file = build(unit, language), path(unit, language)
    if run:
        execute(made, file.parent)
    elif file.is_file():
        _keep_outputs(made, json.loads(file.read_text(encoding="utf-8")))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(nbformat.writes(made) + "\n", encoding="utf-8")
    return file


def _keep_outputs(made: Any, stored: dict[str, Any]) -> None:
    import nbformat

    kept = {"".join(c["source"]): c for c in stored["cells"] if c["cell_type"] == "code"}
    for cell in made.cells:
        if cell.cell_type == "code" and cell.source in kept:
            outputs = kept[cell.source]["outputs"]
            cell.outputs = [nbformat.from_dict(output) for output in outputs]
            cell.execution_count = kept[cell.source]["execution_count"]


def _opening(unit: Unit, language: Language) -> str:
    other: Language = "en" if language == "zh" else "zh"
    lines = [
        f"# {unit.number} · {unit.title[language]}" if unit.number else f"# {unit.title[language]}",
        unit.lead[language],
        f"[{LANGUAGES[other]}](../{other}/{unit.name}.ipynb)",
        f"**{say('course.can', language)}**",
        _list(can[language] for can in unit.can),
    ]
    return "\n\n".join(lines)


def _closing(unit: Unit, language: Language) -> str:
    parts = []
    missing = [do.words[language] for do in unit.does if do.at is None]
    if missing:
        parts.append(f"## {say('course.not_here_yet', language)}\n\n" + _list(missing))
    if unit.sources:
        listed = [f"{s['name']}, [{s['title']}]({s['url']})" for s in unit.sources]
        parts.append(f"## {say('course.sources', language)}\n\n" + _list(listed))
    neighbours = {u.number: u for u in units()} if unit.number else {}
    on = [
        f"[{say(key, language)}: {neighbours[n].title[language]}]({neighbours[n].name}.ipynb)"
        for key, n in (("course.previous", unit.number - 1), ("course.next", unit.number + 1))
        if n in neighbours
    ]
    return "\n\n".join([*parts, " · ".join(on)])


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _cells_of(block: Block, language: Language) -> list[tuple[str, str]]:
    values = block.values
    if block.kind == "prose":
        return [("markdown", to_markdown(block.text[language], lambda name: term_words(name, language)))]
    if block.kind == "code":
        return [("code", block.code)]
    if block.kind == "diagram":
        return [("code", f'course.diagram("{block.name}")')]
    if block.kind == "formula":
        symbols = values.get("symbols", [])
        meanings = _list(f"${s['tex']}$ {s[language]}" for s in symbols)
        return [("markdown", f"$${coloured_tex(values['tex'], symbols)}$$\n\n{meanings}".rstrip())]
    if block.kind == "predict":
        options = _list(option[language] for option in values["options"])
        answer = _folded(say("course.reveal", language), values["answer"][language])
        return [("markdown", f"**{values['question'][language]}**\n\n{options}\n\n{answer}")]
    if block.kind == "lab":
        return [("markdown", f"> {say('course.lab_in_app', language, words=_said(values, language))}")]
    task = exercise(block.name)
    told = (
        _folded(say("course.hint", language, number=n), hint[language]) for n, hint in enumerate(task.hints, start=1)
    )
    hints = "\n\n".join(told)
    said = f"### {say('course.exercise', language)}: {task.title[language]}\n\n{task.task[language]}\n\n{hints}"
    return [("markdown", said), ("code", f'{task.stub.rstrip()}\n\ncourse.check("{task.name}", {task.name})')]


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _said(values: Any, language: Language) -> str:
    caption: Words = values["caption"]
    return caption[language]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m llmlab.course.notebook", description="Write the notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--execute", action="store_true", help="run the cells and keep what they give")
    options = parser.parse_args(words)
    for chosen in [unit(name) for name in options.names] or units() + tours():
        for language in LANGUAGES:
            print(write(chosen, language, run=options.execute))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
