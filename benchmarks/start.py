"""How long `import llmlab` and `python -m llmlab list` take, and that neither loads torch."""

import argparse
import subprocess
import sys

from benchmarks.report import Report, in_turn, seconds


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks start")
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args(words).repeats

    def process(*arguments: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True))

    found = in_turn(
        {
            "python": lambda: process("-c", "pass"),
            "import llmlab": lambda: process("-c", "import llmlab"),
            "list": lambda: process("-m", "llmlab", "list"),
        },
        repeats,
    )
    report = Report("start")
    report.value("a Python that does nothing", found["python"], unit="s")
    report.value("`import llmlab`, whole process", found["import llmlab"], unit="s", at_most=0.3)
    report.value("`python -m llmlab list`, whole process", found["list"], unit="s", at_most=1.0)
    loaded = "import sys, llmlab; print('torch' in sys.modules)"
    without = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout
    report.value("`import llmlab` loads torch", [float(without.strip() == "True")], unit="(0 = no)", at_most=0.0)
    report.end()
