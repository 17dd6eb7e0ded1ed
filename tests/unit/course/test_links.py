"""Every link that a reader can follow, from chapters, tours, glossary, errata and exercises, leads somewhere."""

import json
import re
from urllib.parse import urlsplit

import pytest

from llmlab.course import prose
from llmlab.course.checking import exercises
from llmlab.course.errata import errata
from llmlab.course.glossary import glossary
from llmlab.course.notebook import NOTEBOOKS
from llmlab.course.unit import tours, units
from llmlab.i18n import LANGUAGES
from llmlab.ui import shell

LINK = re.compile(r"(?<!\])\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)\)")
PAGES = {entry.name for entry in shell.PAGES}
ENTRIES = {entry.number for entry in errata()}
ALL = units() + tours()


def leads_somewhere(address: str, labs: set[str]) -> bool:
    scheme, _, rest = address.partition(":")
    path, _ = prose.target(rest)
    if scheme in ("http", "https"):
        parts = urlsplit(address)
        return scheme == "https" and "." in (parts.hostname or "") and not re.search(r"[\s<>\"]", address)
    if scheme == "errata":
        return path.isdigit() and int(path) in ENTRIES
    if scheme == "lab":
        return path in labs
    if scheme in ("page", "chapter"):  # no page has anchors to point at
        return "#" not in rest and prose.target(prose.href(scheme, rest).lstrip("/"))[0] in PAGES
    return False


@pytest.mark.parametrize("unit", ALL, ids=lambda unit: unit.name)
def test_the_links_of_a_unit(unit) -> None:
    labs = {block.name for block in unit.of_kind("lab")}
    for language in LANGUAGES:
        texts = [block.text[language] for block in unit.blocks if block.text]
        texts += [block.values[part][language] for block in unit.of_kind("predict") for part in ("question", "answer")]
        for address in LINK.findall("\n".join(texts)):
            assert leads_somewhere(address, labs), address
    addresses = [source["url"] for source in unit.sources]
    addresses += [do.at for do in unit.does if do.at and do.at.startswith("page:")]
    addresses += [f"page:{block.values['page']}" for block in unit.of_kind("lab") if block.values.get("page")]
    for address in addresses:
        assert leads_somewhere(address, labs), address


def test_the_links_of_glossary_errata_and_exercises() -> None:
    spoken = [term.meaning for term in glossary().values()]
    spoken += [text for entry in errata() for text in (entry.claim, entry.truth)]
    spoken += [text for task in exercises().values() for text in (task.task, *task.hints)]
    for text in spoken:
        for language in LANGUAGES:
            for address in LINK.findall(text[language]):
                assert leads_somewhere(address, set()), address
            assert all(name.replace(" ", "-") in glossary() for name in prose.terms(text[language]))
    assert {term.chapter for term in glossary().values()} <= {unit.number for unit in units()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", ALL, ids=lambda unit: unit.name)
def test_the_links_of_a_notebook(unit, language) -> None:
    file = NOTEBOOKS / language / f"{unit.name}.ipynb"
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = LINK.findall(text)
    assert found
    for address in found:
        if address.endswith(".ipynb"):
            assert (file.parent / address).is_file(), address
        else:
            assert leads_somewhere(address, set()), address
