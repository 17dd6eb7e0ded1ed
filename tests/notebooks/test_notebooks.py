"""The notebooks on disk are those of the units, both languages share their code, and every cell runs."""

import json

import pytest

from llmlab.course.notebook import build, execute, path
from llmlab.course.unit import tours, units
from llmlab.i18n import LANGUAGES

ALL = units() + tours()
NAMES = [unit.name for unit in ALL]
LIGHT = 1_000_000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", ALL, ids=NAMES)
def test_a_notebook_is_what_its_unit_says(unit, language) -> None:
    file = path(unit, language)
    assert file.stat().st_size < LIGHT
    stored = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(file.read_text("utf-8"))["cells"]]
    made = [(cell.cell_type, cell.source) for cell in build(unit, language).cells]
    assert stored == made, f"run `python -m llmlab.course.notebook {unit.name} --execute`"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", ALL, ids=NAMES)
def test_a_notebook_carries_what_its_cells_gave(unit, language) -> None:
    cells = [c for c in json.loads(path(unit, language).read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    text = path(unit, language).read_text("utf-8")
    assert "Traceback" not in text
    assert "site-packages" not in text  # where libraries lie on some machine


def test_both_languages_share_their_code() -> None:
    for unit in ALL:
        code = [[c.source for c in build(unit, language).cells if c.cell_type == "code"] for language in LANGUAGES]
        assert code[0] == code[1]


@pytest.mark.parametrize("unit", ALL, ids=NAMES)
def test_every_cell_runs(unit, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LLMLAB_PROFILE", "ci")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what else is tested at the same time needs the other cores
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    execute(build(unit, "en"), path(unit, "en").parent, seconds=600)
