"""`python -m benchmarks NAME [words of that benchmark]`; without a name, the list."""

import importlib
import sys
from pathlib import Path


def names() -> dict[str, str]:
    """Each benchmark and the first line of what it says about itself."""
    here = Path(__file__).parent
    support = {"__init__", "__main__", "report", "contenders"}
    found = sorted(path.stem for path in here.glob("*.py") if path.stem not in support)
    return {name: (here / f"{name}.py").read_text(encoding="utf-8").split('"""')[1].splitlines()[0] for name in found}


def main(words: list[str]) -> int:
    known = names()
    if not words or words[0] not in known:
        for name, about in known.items():
            print(f"{name:14} {about}")
        return 0 if not words else 2
    importlib.import_module(f"benchmarks.{words[0]}").main(words[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
