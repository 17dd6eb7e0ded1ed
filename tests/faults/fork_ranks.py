"""Trains runs in forked processes that find each other as those of torchrun do. torch is loaded once, so that many
small trainings take a moment each.

Reads one JSON request a line from standard input, `run` and `processes`, and answers with the exit codes.
"""

import json
import os
import socket
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from llmlab.training import distributed, loop, references, worker


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def start(run, rank, processes, port):
    pid = os.fork()
    if pid:
        return pid
    where = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)}
    os.environ |= where | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LLMLAB_HOME": str(Path(run).parents[1])}
    references.start = lambda run: None
    code = 1
    try:
        code = worker.main([run])
    finally:
        os._exit(code)


def serve():
    torch.set_num_threads(1)
    torch.optim.AdamW([torch.zeros(1)])  # this and the next line load what every child would load
    loop.train, distributed.Ranks  # noqa: B018
    for line in sys.stdin:
        request = json.loads(line)
        port = free_port()
        pids = [start(request["run"], rank, request["processes"], port) for rank in range(request["processes"])]
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]), flush=True)


if __name__ == "__main__":
    serve()
