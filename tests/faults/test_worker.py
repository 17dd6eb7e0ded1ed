"""Real background trainers: they begin, hand over, stop, die, and leave a trace of each."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmlab.training import jobs, runs
from llmlab.training.config import TrainConfig
from llmlab.training.jobs import LocalQueue
from tests.faults.texts import words

SMALL = {"layers": 1, "heads": 2, "width": 16, "context": 16, "batch": 4, "threads": 1, "eval_tokens": 128}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path / "home"))
    (tmp_path / "corpus.txt").write_text(words(4000))
    yield tmp_path
    for ticket in (tmp_path / "home" / "queue").glob("[0-9]*.json"):
        ticket.unlink()  # so that nothing is started any more
    for child in jobs._children:
        child.kill()
        child.wait()


def new(home, name, **changes):
    return runs.create(TrainConfig(corpus=str(home / "corpus.txt"), **SMALL | changes), name)


def wait_for(condition, seconds=150):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_warm_start_a_stop_and_the_next_in_line(home):
    first, second = new(home, "first", steps=10**6), new(home, "second", steps=5)
    queue = LocalQueue(places=1)
    jobs.prewarm()
    queue.submit(first)
    queue.submit(second)
    assert queue.position(second) == 1
    wait_for(lambda: runs.metrics(first))
    assert queue.status(first).state == "running"
    queue.stop(first)
    # Nobody looks at the queue from here on: the first trainer itself starts the second.
    wait_for(lambda: runs.status(second).state == "finished")
    assert runs.status(first).state == "stopped"
    assert runs.last(first) is not None
    assert "train_loss" in (second / "log.txt").read_text()


def test_a_killed_trainer_has_failed_and_can_be_resumed(home):
    run = new(home, "run", steps=10**6, checkpoint_seconds=0.2)
    queue = LocalQueue(places=1)
    queue.submit(run)
    wait_for(lambda: runs.last(run))
    os.kill(runs.status(run).pid, signal.SIGKILL)
    wait_for(lambda: queue.status(run).state == "failed")
    reached = int(runs.last(run).name[5:])
    queue.submit(run)
    wait_for(lambda: runs.status(run).state == "running" and runs.status(run).step > reached)
    queue.stop(run)
    wait_for(lambda: runs.status(run).state == "stopped")


def test_a_mistake_of_the_learner_is_in_the_status_and_the_log(home):
    (home / "short.txt").write_text("abcdefgh" * 3)
    run = runs.create(TrainConfig(corpus=str(home / "short.txt"), **SMALL), "short")
    worker = [sys.executable, "-m", "llmlab.training.worker", str(run)]
    ended = subprocess.run(worker, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "")
    assert runs.status(run).state == "failed"
    log = (run / "log.txt").read_text()
    assert "24" in log
    assert "Traceback" not in log


def test_a_wish_to_stop_while_the_process_is_loading_is_heard(home):
    run = new(home, "run", steps=10**6)
    queue = LocalQueue(places=1)
    queue.submit(run)
    assert runs.status(run).state == "queued"  # python itself takes longer to start
    queue.stop(run)
    wait_for(lambda: runs.status(run).state == "stopped")
    assert runs.last(run) is not None
