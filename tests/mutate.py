"""Does each test fail when what it guards is broken? Applies the rows of mutations.toml, one by one, in a scratch copy.

    python tests/mutate.py            # every row
    python tests/mutate.py rotation   # the rows whose description, file or test holds the word

Exit code 1 if a mutation survives, or if a test fails without any.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
COPIED = (".streamlit", "llmlab", "tests", "app.py", "pyproject.toml")
SECONDS = 300


def main(word: str) -> int:
    rows = tomllib.loads((PROJECT / "tests" / "mutations.toml").read_text(encoding="utf-8"))["mutation"]
    rows = [row for row in rows if word in f"{row['what']} {row['file']} {row['test']}"]
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)
        for name in COPIED:
            source = PROJECT / name
            ignored = shutil.ignore_patterns("__pycache__", "shots")
            shutil.copytree(source, copy / name, ignore=ignored) if source.is_dir() else shutil.copy2(source, copy)
        passes = run(copy, sorted({row["test"] for row in rows}))
        if passes is not True:
            print(f"the tests fail on the unbroken project:\n{passes}")
            return 1
        return 1 if [row for row in rows if not caught(copy, row)] else 0


def caught(copy: Path, row: dict[str, str]) -> bool:
    """Whether the row's test fails under its mutation. A row that no longer fits the code counts as a survivor."""
    file = copy / row["file"]
    original = file.read_text(encoding="utf-8")
    if original.count(row["find"]) != 1:
        print(f"STALE     {row['what']}: `find` occurs {original.count(row['find'])} times in {row['file']}")
        return False
    started = time.monotonic()
    file.write_text(original.replace(row["find"], row["replace"]), encoding="utf-8")
    try:
        survived = run(copy, [row["test"]]) is True
    finally:
        file.write_text(original, encoding="utf-8")
    print(f"{'SURVIVED' if survived else 'caught'}  {time.monotonic() - started:5.1f} s  {row['what']}", flush=True)
    return not survived


def run(copy: Path, tests: list[str]) -> bool | str:
    """True if the tests pass, their output if one fails. Raises when pytest itself could not run them."""
    # no bytecode: a mutation within the same second and of the same length would be taken for the old file
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run {tests}:\n{done.stdout}{done.stderr}")
    return True if done.returncode == 0 else done.stdout


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
