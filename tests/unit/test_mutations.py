"""The mutation table fits the code: a row that no longer does would break nothing, and guard nothing."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_each_row_finds_its_place_once() -> None:
    rows = tomllib.loads((PROJECT / "tests" / "mutations.toml").read_text(encoding="utf-8"))["mutation"]
    stale = [row["what"] for row in rows if (PROJECT / row["file"]).read_text(encoding="utf-8").count(row["find"]) != 1]
    assert stale == []
