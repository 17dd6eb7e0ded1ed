"""What every benchmark shares: contenders measured in turn, medians, a table, and the same as JSON."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    ours: float
    theirs: float | None = None
    unit: str = "s"
    ratio: float | None = None
    """How many times better ours is; more is better whatever the unit."""
    reach: float | None = None
    """The ratio, or where there is no contender the value, aimed at."""
    reached: bool | None = None
    note: str = ""


@dataclass
class Report:
    """The lines of one benchmark, with the machine and how busy it was."""

    name: str
    rows: list[Row] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    """Every single measurement, by name."""

    def __post_init__(self) -> None:
        self.load_before = _load()

    def compare(
        self,
        what: str,
        ours: list[float],
        theirs: list[float],
        *,
        unit: str,
        reach: float,
        more_is_better: bool = False,
    ) -> None:
        """Add a line from repeated measurements of both contenders."""
        a, b = statistics.median(ours), statistics.median(theirs)
        ratio = a / b if more_is_better else b / a
        self.details[what] = {"ours": ours, "theirs": theirs}
        self.rows.append(Row(what=what, ours=a, theirs=b, unit=unit, ratio=ratio, reach=reach, reached=ratio >= reach))

    def value(self, what: str, values: list[float], *, unit: str, at_most: float | None = None, note: str = "") -> None:
        """Add a line without a contender: the median, and whether it is low enough."""
        found = statistics.median(values)
        self.details[what] = values
        reached = None if at_most is None else found <= at_most
        self.rows.append(Row(what=what, ours=found, unit=unit, reach=at_most, reached=reached, note=note))

    def end(self) -> None:
        """Print the table and write `results/NAME.json`."""
        print(self.table())
        about = {
            "name": self.name,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
            "torch": version("torch"),
            "load": {"before": self.load_before, "after": _load()},
            "rows": [asdict(row) for row in self.rows],
            "details": self.details,
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def table(self) -> str:
        """The lines as a Markdown table."""
        lines = ["| what | ours | contender | ratio | reach | |", "|---|---|---|---|---|---|"]
        for row in self.rows:
            theirs = "" if row.theirs is None else f"{row.theirs:.4g} {row.unit}"
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
            reach = "" if row.reach is None else f"{row.reach:g}" + ("×" if row.ratio is not None else f" {row.unit}")
            verdict = {True: "reached", False: "not reached", None: ""}[row.reached]
            note = f"{verdict} {row.note}".strip()
            lines.append(f"| {row.what} | {row.ours:.4g} {row.unit} | {theirs} | {ratio} | {reach} | {note} |")
        return "\n".join(lines)


def in_turn(contenders: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Each contender's measurements: all of them once, then all again, so that a busy minute hits them alike."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(repeats):
        for name, measure in contenders.items():
            found[name].append(measure())
            print(f"  {name} {round_ + 1}/{repeats}: {found[name][-1]:.4g}", file=sys.stderr, flush=True)
    return found


def seconds(action: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
