import subprocess
import sys
import time

import pytest

from llmlab.hub.lock import Busy, Lock, is_held

HOLD = """
import sys, time, pathlib
from llmlab.hub.lock import Lock
with Lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_holder_at_a_time(tmp_path):
    path = tmp_path / "lock"
    assert not is_held(path)
    with Lock(path):
        assert is_held(path)
        with pytest.raises(Busy), Lock(path, wait=0):
            pass
    assert not is_held(path)


def test_a_killed_holder_holds_nothing(tmp_path):
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    assert is_held(path)
    holder.kill()
    holder.wait()
    began = time.monotonic()
    with Lock(path):
        assert time.monotonic() - began < 0.3


def test_asking_does_not_keep_others_out(tmp_path):
    path = tmp_path / "lock"
    for _ in range(100):
        is_held(path)
        with Lock(path, wait=0.5):
            pass
