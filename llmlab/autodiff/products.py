"""One product of two square matrices, computed five ways and timed: `python -m llmlab.autodiff.products 128`.

Timing is done in a process of its own whose linear algebra has one thread, so that "two cores" can be done by hand:
each of two threads gets half of the rows, and nothing has to be agreed between them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from llmlab.autodiff.tensor import Array

SECONDS_EACH = 0.06
"""A way is repeated for so long, and its best time counts."""
LARGEST_LOOP = 128
"""Above this the loop would take seconds: it does that many rows' share and is scaled up."""
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def by_loop(a: list[list[float]], b: list[list[float]]) -> list[list[float]]:
    """Number by number in plain Python: n³ multiplications, each with its own bookkeeping."""
    rows, inner, columns = len(a), len(b), len(b[0])
    c = [[0.0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for k in range(inner):
                total += a[i][k] * b[k][j]
            c[i][j] = total
    return c


def by_dot(a: Array, b: Array) -> Array:
    """Each of the n² numbers as one product of two vectors."""
    return np.array([[row @ column for column in b.T] for row in a])


def by_vector(a: Array, b: Array) -> Array:
    """Each of the n rows as one vector times a matrix."""
    return np.array([row @ b for row in a])


def by_matrix(a: Array, b: Array) -> Array:
    """All at once, in one call."""
    return a @ b


def by_two_cores(a: Array, b: Array) -> Array:
    """The upper half of the rows on one core, the lower on another; numpy lets go of Python's lock meanwhile."""
    halves = np.array_split(a, 2)
    return np.concatenate(list(_pool().map(lambda half: half @ b, halves)))


WAYS: dict[str, Callable[[Array, Array], Array]] = {
    "dot": by_dot,
    "vector": by_vector,
    "matrix": by_matrix,
    "two_cores": by_two_cores,
}
"""By name; "loop" takes lists and comes first."""


def measure(size: int) -> dict[str, float]:
    """Best seconds of each way for size × size matrices, measured in a child process."""
    command = [sys.executable, "-m", "llmlab.autodiff.products", str(size)]
    environment = os.environ | dict.fromkeys(BLAS_THREADS, "1")
    checkout = Path(__file__).parents[2]  # llmlab may be used without having been installed
    done = subprocess.run(
        command, env=environment, cwd=checkout, capture_output=True, text=True, check=True, timeout=120
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measured(size: int) -> dict[str, float]:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(size, size)), random.normal(size=(size, size))
    rows = size if size <= LARGEST_LOOP else max(1, LARGEST_LOOP**3 // size**2)  # a row's share of the loop is the same
    few, whole = a[:rows].tolist(), b.tolist()
    seconds = {"loop": _best(lambda: by_loop(few, whole)) * size / rows}
    for name, way in WAYS.items():
        assert np.allclose(way(a, b), a @ b)
        seconds[name] = _best(lambda way=way: way(a, b))  # type: ignore[misc]
    return seconds


def _best(call: Callable[[], object]) -> float:
    return min(_times(call))


def _times(call: Callable[[], object]) -> Iterable[float]:
    until = time.perf_counter() + SECONDS_EACH
    while True:
        began = time.perf_counter()
        call()
        yield time.perf_counter() - began
        if time.perf_counter() > until:
            return


def _pool() -> ThreadPoolExecutor:
    global _workers
    if _workers is None:
        _workers = ThreadPoolExecutor(2)
    return _workers


_workers: ThreadPoolExecutor | None = None

if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]))))
