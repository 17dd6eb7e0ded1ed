"""What a trace costs: a forward pass with everything kept, beside one with nothing kept, on one thread."""

import argparse
import time

import torch

from benchmarks.report import Report, in_turn


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks trace")
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args(words).repeats
    from llmlab import hub
    from llmlab.models.trace import trace

    torch.set_num_threads(1)
    report = Report("trace")
    for name in ("shakespeare-gpt", "tales-bert"):
        model, _ = hub.load(name)
        model.eval()
        ids = torch.randint(0, model.config.vocab_size, (1, 64), generator=torch.Generator().manual_seed(0))

        def forward(model=model, ids=ids) -> float:
            with torch.no_grad():
                return _seconds(lambda: model(ids))

        def traced(model=model, ids=ids) -> float:
            return _seconds(lambda: trace(model, ids))

        found = in_turn({"trace": traced, "forward": forward}, repeats)
        report.compare(f"{name}, 64 tokens", found["trace"], found["forward"], unit="s", reach=1 / 3)
    report.end()


def _seconds(action) -> float:
    """Processor seconds of a call: the mean of twenty, after one to warm up."""
    action()
    began = time.process_time()
    for _ in range(20):
        action()
    return (time.process_time() - began) / 20
