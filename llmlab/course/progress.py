"""What a reader has done so far, kept on this machine: one JSON file a reader under `LLMLAB_HOME/progress/`."""

import json
import os
import re
import tempfile
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llmlab.i18n import LearnerError

_ADDING = threading.Lock()


@dataclass
class Progress:
    """Chapters opened, predictions made, exercises passed."""

    opened: list[int] = field(default_factory=list)
    predicted: dict[str, int] = field(default_factory=dict)
    """"06_inside_the_models/mask" to the number of the option chosen."""
    passed: list[str] = field(default_factory=list)
    """Names of exercises."""

    def to_json(self) -> str:
        """As it is exported."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Progress":
        """What `to_json` wrote. Raises LearnerError for anything else."""
        try:
            values: dict[str, Any] = json.loads(text)
            read = cls(
                opened=[int(n) for n in values["opened"]],
                predicted={str(name): int(choice) for name, choice in values["predicted"].items()},
                passed=[str(name) for name in values["passed"]],
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LearnerError("course.progress_unreadable") from None
        return read

    def merged(self, other: "Progress") -> "Progress":
        """Both together; where both made a prediction, the one made here stands."""
        return Progress(
            opened=sorted({*self.opened, *other.opened}),
            predicted={**other.predicted, **self.predicted},
            passed=sorted({*self.passed, *other.passed}),
        )


def load(reader: str | None, home: Path) -> Progress:
    """A reader's progress; nothing done when there is none, or when the file was spoilt."""
    try:
        return Progress.from_json(_file(reader, home).read_text(encoding="utf-8"))
    except (OSError, LearnerError):
        return Progress()


def add(news: Progress, reader: str | None, home: Path) -> None:
    """Add to what is kept, which another window may have changed meanwhile. The file is replaced as a whole."""
    file = _file(reader, home)
    file.parent.mkdir(parents=True, exist_ok=True)
    with _ADDING:
        handle, partial = tempfile.mkstemp(dir=file.parent, suffix=".partial")
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(load(reader, home).merged(news).to_json())
        os.replace(partial, file)


def _file(reader: str | None, home: Path) -> Path:
    name = reader or "local"
    if not re.fullmatch(r"[0-9a-z]{1,64}", name):
        raise ValueError(f"not a reader's name: {name!r}")
    return home / "progress" / f"{name}.json"
