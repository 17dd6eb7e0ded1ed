"""Trains runs in forked children that die when told to. torch is loaded once, so that a training takes a moment.

Reads one JSON request a line from standard input: `run`, and either `die_at` (which write, rename … of the child is
its last breath), `die_as` (the same by kind, such as "rename step-*"), or `die_after` (seconds; then the child is
killed from outside). Answers with `exit` (its code) and `operations` (what it wrote, in order).
"""

import fnmatch
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from llmlab import hub
from llmlab.training import cost, durable, loop, references


def child(request, answers):
    run, seen = Path(request["run"]), []

    def operation(name, path):
        kind = f"{name} {path.name}"
        seen.append(kind)
        if len(seen) == request.get("die_at") or fnmatch.fnmatch(kind, request.get("die_as") or ""):
            tear(name, path)
            answers.write(json.dumps(seen))
            answers.flush()
            os._exit(137)

    durable.operation = operation
    references.start = lambda run: None
    cost.remember = lambda *figures: None
    try:
        loop.train(run, resume=True)
    finally:
        answers.write(json.dumps(seen))
        answers.flush()


def tear(name, path):
    """Leave what a half-finished operation of this kind may leave."""
    if name == "append":
        with open(path, "a") as file:
            file.write('{"step": 1')
    elif name == "write" and path.parent.is_dir() and not path.is_dir():
        path.write_text('{"ha')


def serve():
    torch.set_num_threads(1)
    torch.optim.AdamW([torch.zeros(1)])  # this and the next line load what every child would load
    hub.load, hub.save, hub.from_hf  # noqa: B018
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            code = 1
            try:
                child(request, os.fdopen(writing, "w"))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writing)
        if request.get("die_after") is not None:
            time.sleep(request["die_after"])
            os.kill(pid, signal.SIGKILL)
        with os.fdopen(reading) as answers:
            operations = answers.read()
        exit_code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"exit": exit_code, "operations": json.loads(operations or "[]")}), flush=True)


if __name__ == "__main__":
    serve()
