"""A run killed at any moment and resumed ends in the same weights, bit for bit, as one that was left alone."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmlab.training import runs
from llmlab.training.config import TrainConfig
from tests.faults.texts import words

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks; the code does not")

CONFIG = {
    "tokenizer": "char",
    "layers": 1,
    "heads": 2,
    "width": 16,
    "context": 16,
    "batch": 4,
    "dropout": 0.1,
    "steps": 40,
    "eval_every": 10,
    "eval_tokens": 128,
    "sample_tokens": 8,
    "probe_megabytes": 1,
    "checkpoint_seconds": 0.01,
    "threads": 1,
}


class Server:
    """The fork server, and where its runs lie."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.corpus = folder / "corpus.txt"
        self.corpus.write_text(words(4000))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"LLMLAB_HOME": str(folder / "home")},
        )

    def new(self, name, **changes):
        run = self.folder / name
        shutil.rmtree(run, ignore_errors=True)
        return runs.create(TrainConfig(corpus=str(self.corpus), **CONFIG | changes), run)

    def train(self, run, **request):
        self.process.stdin.write(json.dumps({"run": str(run), **request}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("kills"))
    yield server
    server.process.stdin.close()
    server.process.wait(timeout=30)


@pytest.fixture(scope="module")
def undisturbed(server):
    server.train(server.new("first"))  # so that the server's start is not timed
    run = server.new("undisturbed")
    began = time.monotonic()
    answer = server.train(run)
    assert answer["exit"] == 0
    return run, answer["operations"], time.monotonic() - began


def assert_same(run, reference):
    ended = [runs.checkpoints(run)[-1], runs.checkpoints(reference)[-1]]
    assert ended[0].name == ended[1].name == f"step-{runs.config(reference).steps:06d}"
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (ended[0] / name).read_bytes() == (ended[1] / name).read_bytes()
    assert runs.best(run).name == runs.best(reference).name
    assert runs.status(run).state == "finished"
    assert runs.status(run).val_loss == runs.status(reference).val_loss
    for lines in (runs.metrics(run), runs.samples(run)):
        steps = [line["step"] for line in lines]
        assert steps == sorted(set(steps))
    assert runs.samples(run) == runs.samples(reference)
    assert not list(run.rglob(".*"))  # nothing half-written is left


def kinds(operations):
    """Each kind of operation once, whatever the number of the step and the process in its name."""
    found = {}
    for operation in operations:
        name, _, path = operation.partition(" ")
        plain = "".join("*" if c.isdigit() else c for c in path)
        while "**" in plain:
            plain = plain.replace("**", "*")
        found.setdefault(f"{name} {plain}", None)
    return list(found)


def test_at_each_kind_of_write_and_rename(server, undisturbed):
    reference, operations, _ = undisturbed
    tried = kinds(operations)
    assert len(tried) > 20
    for kind in tried:
        run = server.new("killed")
        assert server.train(run, die_as=kind)["exit"] == 137, kind
        assert runs.status(run).state in ("queued", "failed"), kind
        assert server.train(run)["exit"] == 0, kind
        assert_same(run, reference)


def test_again_and_again(server, undisturbed):
    """Each process dies one operation later than the one before."""
    reference, _, _ = undisturbed
    run = server.new("again")
    for operation in range(3, 400, 3):
        if server.train(run, die_at=operation)["exit"] == 0:
            break
    assert operation > 20
    assert_same(run, reference)


@pytest.mark.parametrize("seed", range(20))
def test_at_a_moment(server, undisturbed, seed):
    reference, _, seconds = undisturbed
    run = server.new("moment")
    moment = random.Random(seed).uniform(0, seconds)
    server.train(run, die_after=moment)
    assert server.train(run)["exit"] == 0
    assert_same(run, reference)


def test_a_bert_in_the_middle(server):
    bert = {"model": "bert", "tokenizer": "wordpiece", "vocab_size": 200, "context": 32}
    reference, run = server.new("bert", **bert), server.new("killed-bert", **bert)
    operations = server.train(reference)["operations"]
    assert server.train(run, die_at=len(operations) // 2)["exit"] == 137
    assert server.train(run)["exit"] == 0
    assert_same(run, reference)


def test_on_the_command_line(server):
    config = CONFIG | {"steps": 400, "eval_every": 100}  # long enough to be killed in
    reference = server.new("longer", **config)
    assert server.train(reference)["exit"] == 0
    run = server.folder / "by-hand"
    words = [f"--{name.replace('_', '-')}={value}" for name, value in config.items()]
    train = [sys.executable, "-m", "llmlab", "train", f"--corpus={server.corpus}", *words, f"--out={run}"]
    surroundings = {"cwd": Path(__file__).parents[2], "env": os.environ | {"LLMLAB_HOME": str(server.folder / "home")}}
    first = subprocess.Popen(train, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **surroundings)
    until = time.monotonic() + 120
    while runs.last(run) is None and first.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.002)
    first.kill()
    first.wait()
    assert runs.status(run).state == "failed", "it was too fast to be killed"
    again = [*train[:4], f"--out={run}", "--resume", "--json"]
    ended = subprocess.run(again, capture_output=True, text=True, check=True, **surroundings)
    assert json.loads(ended.stdout)["steps"] == config["steps"]
    assert_same(run, reference)
