"""The queue, with stand-ins for trainers: processes that only sleep. Real ones are in `tests/faults/test_worker.py`."""

import subprocess
import sys
import threading
import time

import pytest

from llmlab.hub.lock import Lock
from llmlab.i18n import LearnerError
from llmlab.training import jobs, runs, status
from llmlab.training.jobs import LocalQueue
from llmlab.training.status import LOCK, RunStatus


@pytest.fixture
def started(monkeypatch):
    """The runs that were given a process, with their processes."""
    found = {}

    def spawn(word, *, stdin, place=None):
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=stdin)
        found[word.rpartition("/")[2]] = process
        return process

    monkeypatch.setattr(jobs, "_spawn", spawn)
    yield found
    for process in found.values():
        process.kill()
        process.wait()


def test_first_come_first_served_one_at_a_time(new_run, started):
    queue = LocalQueue(places=1)
    first, second, third = (new_run(name) for name in ("c", "a", "b"))
    for run in (first, second, third):
        queue.submit(run)
    assert list(started) == ["c"]
    assert [queue.position(run) for run in (first, second, third)] == [0, 1, 2]
    queue.leave(first)
    assert list(started) == ["c", "a"]
    assert [queue.position(run) for run in (second, third)] == [0, 1]
    queue.leave(second)
    queue.leave(third)
    assert list(started) == ["c", "a", "b"]


def test_another_process_sees_the_same_queue(new_run, started):
    LocalQueue(places=1).submit(new_run("a"))
    waiting = new_run("b")
    LocalQueue(places=1).submit(waiting)
    assert LocalQueue(places=1).position(waiting) == 1


def test_a_place_for_each_gpu(new_run, started):
    queue = LocalQueue(places=2)
    for name in ("a", "b", "c"):
        queue.submit(new_run(name))
    assert list(started) == ["a", "b"]


def test_a_dead_trainer_gives_its_place_to_the_next(new_run, started):
    queue = LocalQueue(places=1)
    first, second = new_run("a"), new_run("b")
    queue.submit(first)
    queue.submit(second)
    started["a"].kill()
    started["a"].wait()
    queue.advance()
    assert list(started) == ["a", "b"]
    assert runs.status(first).state == "failed"
    assert "log.txt" in str(LearnerError(runs.status(first).error["phrase"], **runs.status(first).error["parameters"]))


def test_a_process_warmed_for_another_home_is_left_alone(new_run, started, monkeypatch, tmp_path):
    monkeypatch.setattr(jobs, "_warm", {})
    here = new_run("a")
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path / "elsewhere"))
    jobs.prewarm()
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path / "home"))
    LocalQueue(places=1).submit(here)
    assert set(started) == {"--wait", "a"}


def test_setting_the_clock_buries_nobody_alive(new_run, started, monkeypatch):
    queue = LocalQueue(places=1)
    first, second = new_run("a"), new_run("b")
    queue.submit(first)
    queue.submit(second)
    real = jobs.began
    monkeypatch.setattr(jobs, "began", lambda pid: real(pid) and real(pid) + 1)
    with Lock(first / LOCK):
        queue.advance()
        assert list(started) == ["a"]
    queue.advance()  # without the lock it is another process with the same number
    assert list(started) == ["a", "b"]


def test_a_waiting_run_is_stopped_at_once(new_run, started):
    queue = LocalQueue(places=1)
    first, second = new_run("a"), new_run("b")
    queue.submit(first)
    queue.submit(second)
    queue.stop(second)
    assert runs.status(second).state == "stopped"
    queue.leave(first)
    assert list(started) == ["a"]
    queue.submit(second)
    assert list(started) == ["a", "b"]


def test_a_training_run_is_asked_to_stop(new_run, started):
    queue = LocalQueue(places=1)
    run = new_run("a")
    queue.submit(run)
    queue.stop(run)
    assert (run / "STOP").exists()


def test_a_run_is_not_queued_twice(new_run, started):
    queue = LocalQueue(places=1)
    run = new_run("a")
    queue.submit(run)
    with pytest.raises(LearnerError):
        queue.submit(run)


def test_a_run_whose_process_is_just_going_can_be_submitted_again(new_run, started):
    queue = LocalQueue(places=1)
    run = new_run("a")
    queue.submit(run)
    status.write(run, RunStatus(state="stopped"))
    threading.Timer(0.3, started["a"].kill).start()
    queue.submit(run)
    assert runs.status(run).state == "queued"


def test_a_deleted_run_leaves_the_queue(new_run, started):
    queue = LocalQueue(places=1)
    queue.submit(new_run("a"))
    gone, third = new_run("b"), new_run("c")
    queue.submit(gone)
    queue.submit(third)
    runs.delete(gone)
    assert queue.position(third) == 1


def test_a_warm_process_takes_the_next_run(new_run, started, monkeypatch):
    monkeypatch.setattr(jobs, "_warm", {})
    jobs.prewarm()
    jobs.prewarm()
    assert list(started) == ["--wait"]
    warm = started["--wait"]
    LocalQueue(places=1).submit(new_run("a"))
    assert list(started) == ["--wait"]
    assert warm.stdin.closed


def test_a_warm_process_that_died_is_no_obstacle(new_run, started, monkeypatch):
    monkeypatch.setattr(jobs, "_warm", {})
    jobs.prewarm()
    started["--wait"].kill()
    started["--wait"].wait()
    time.sleep(0.01)
    LocalQueue(places=1).submit(new_run("a"))
    assert list(started) == ["--wait", "a"]
