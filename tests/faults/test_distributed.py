# ruff: noqa: F811  # fixtures are named as arguments
"""Real processes under torchrun: together they learn what one would, and one that dies takes nothing with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import safetensors.torch
import torch

from llmlab import hub
from llmlab.training import runs
from tests.unit.training.conftest import _home, corpus, new_run  # noqa: F401  # fixtures

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(
            torch.cuda.device_count() < 2, reason="needs two CUDA devices; comes back where they are there"
        ),
    ),
]
GPT2, GPT, BERT = (
    {"model": "gpt2", "optimizer": "adamw", "layers": 2},
    {"optimizer": "muon", "layers": 2, "accumulate": 2},
    {"model": "bert", "tokenizer": "wordpiece", "vocab_size": 200, "context": 32, "accumulate": 2},
)
LEAST = {"eval_every": 100, "sample_tokens": 0, "probe_megabytes": 0}


def launched(run, processes=2, worker=None):
    worker = worker or ("-m", "llmlab.training.worker", str(run))
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.Popen(
        [sys.executable, *(torchrun if processes > 1 else []), *worker],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1", "LLMLAB_HOME": str(run.parents[1]), "PYTHONPATH": "."},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def train(run, processes=2):
    code = launched(run, processes).wait(timeout=300)
    log = run / "log.txt"
    assert code == 0, log.read_text() if log.exists() else "no log"
    assert runs.status(run).state == "finished"
    return run


def losses(run):
    return {p["step"]: (p["train_loss"], p.get("val_loss", 0.0)) for p in runs.metrics(run)}


def assert_close(run, reference, tolerance):
    ours, theirs = losses(run), losses(reference)
    assert list(ours) == list(theirs) == list(range(1, 25))
    assert max(abs(a - b) for step in ours for a, b in zip(ours[step], theirs[step], strict=True)) < tolerance


def same_bytes(run, reference):
    ours, theirs = runs.last(run), runs.last(reference)
    assert ours.name == theirs.name
    return all(
        (ours / f).read_bytes() == (theirs / f).read_bytes() for f in ("model.safetensors", "optimizer.safetensors")
    )


def shapes(run):
    folder = runs.last(run)
    files = {f: safetensors.torch.load_file(folder / f) for f in ("model.safetensors", "optimizer.safetensors")}
    return {(f, name): (t.shape, t.dtype) for f, tensors in files.items() for name, t in tensors.items()}


@pytest.fixture(scope="module")
def forked():
    """Trains a run by so many processes, without starting Python and torch anew for each."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.fork_ranks"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as server:

        def train(run, processes):
            server.stdin.write(json.dumps({"run": str(run), "processes": processes}) + "\n")
            server.stdin.flush()
            assert json.loads(server.stdout.readline()) == [0] * processes, (run / "log.txt").read_text()
            assert runs.status(run).state == "finished"
            return run

        yield train


@pytest.fixture(scope="module")
def alone(forked):
    """What one process makes of the same words."""
    found = {}

    def get(new_run, key, **changes):
        if key not in found:
            found[key] = forked(new_run(key, **changes), 1)
        return found[key]

    return get


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks; the code does not")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
@pytest.mark.parametrize(
    ("changes", "tolerance"),
    [(GPT2, 1e-5), (GPT, 1e-3), (BERT | {"optimizer": "adamw"}, 1e-5), (BERT | {"optimizer": "muon"}, 1e-3)],
    ids=["gpt2-adamw", "gpt-muon", "bert-adamw", "bert-muon"],
)
def test_two_processes_learn_what_one_does(new_run, forked, alone, device, parallel, changes, tolerance):
    words = changes | {"steps": 24, "eval_every": 1, "device": device, "lr": 2e-3, "precision": "float32"}
    reference = alone(new_run, f"{changes.get('model')}-{changes['optimizer']}-{device}", **words)
    together = forked(new_run("together", parallel=parallel, **words), 2)
    assert_close(together, reference, tolerance)
    assert shapes(together) == shapes(reference)
    model, _ = hub.load(runs.last(together))
    assert model.tied
    assert all(model.get_parameter(a) is model.get_parameter(b) for a, b in model.tied.items())
    assert runs.samples(together)[0].keys() == runs.samples(reference)[0].keys()
    assert [p.name for p in (together / "probes").iterdir()] == [p.name for p in (reference / "probes").iterdir()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_a_killed_rank_ends_the_run_and_resuming_gives_the_same_bits(new_run, device, parallel):
    steps = {"ddp": 600, "fsdp": 60}[parallel]
    words = {"steps": steps, "dropout": 0.1, "checkpoint_seconds": 0.3, "parallel": parallel, "device": device} | LEAST
    run, process = start_and_save(new_run, words)
    victim = next(child for child in psutil.Process(process.pid).children() if child.environ().get("RANK") == "1")
    os.kill(victim.pid, signal.SIGKILL)
    assert process.wait(timeout=240) != 0
    status = runs.status(run)
    assert status.state == "failed"
    assert status.error["phrase"] == "training.rank_lost"
    assert runs.last(run) is not None
    assert int(runs.last(run).name[5:]) < steps, "it was too fast to be killed"
    assert same_bytes(train(run), train(new_run("left-alone", **words)))


def start_and_save(new_run, words):
    run = new_run("run", **words)
    process = launched(run)
    until = time.monotonic() + 240
    while runs.last(run) is None:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.01)
    return run, process


def test_a_run_goes_on_with_another_number_of_processes_and_stops_when_asked(new_run):
    words = {"steps": 10**6, "checkpoint_seconds": 0.5, "parallel": "fsdp"} | LEAST
    run, process = start_and_save(new_run, words)
    runs.request_stop(run)
    assert process.wait(timeout=240) == 0
    assert runs.status(run).state == "stopped"
    reached = runs.status(run).step
    process = launched(run, 1)
    until = time.monotonic() + 240
    while runs.status(run).step <= reached + 10:
        assert time.monotonic() < until
        time.sleep(0.01)
    runs.request_stop(run)
    assert process.wait(timeout=240) == 0
    alone_reached = runs.status(run).step
    assert alone_reached > reached
    shown = shapes(run)
    process = launched(run)
    while runs.status(run).step <= alone_reached + 5:
        assert time.monotonic() < until + 60
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)  # as a cluster does it
    process.wait(timeout=240)
    assert runs.status(run).state == "stopped"
    assert runs.status(run).step > alone_reached
    assert shapes(run) == shown


def test_a_batch_that_cannot_be_divided_names_those_that_can(new_run):
    run = new_run(batch=5)
    assert launched(run).wait(timeout=240) != 0
    error = runs.status(run).error
    assert error == {"phrase": "training.batch_share", "parameters": {"batch": 5, "processes": 2, "fitting": "4, 6"}}


def test_what_goes_wrong_elsewhere_stands_in_the_status(new_run, tmp_path):
    """Rank 1 finds no such device where it is; rank 0, which does, tells it."""
    run = new_run(steps=10**6)
    script = tmp_path / "worker.py"
    script.write_text(
        "import os, sys\n"
        "from llmlab.i18n import LearnerError\n"
        "from llmlab.training import distributed, worker\n"
        "def refuse(self, word):\n"
        "    raise LearnerError('training.device', device='cuda:7', known='cpu')\n"
        "if os.environ['RANK'] == '1':\n"
        "    distributed.Ranks.device = refuse\n"
        "sys.exit(worker.main(sys.argv[1:]))\n"
    )
    assert launched(run, worker=(str(script), str(run))).wait(timeout=240) != 0
    assert runs.status(run).error["phrase"] == "training.device"
    assert runs.status(run).error["parameters"]["device"] == "cuda:7"
