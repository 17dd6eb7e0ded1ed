"""Training: what a run is asked to do, its folder on disk, the loop, and the queue of background jobs.

`config`, `recipes`, `runs`, `status`, `jobs` and `cost` load no torch; `loop` does.
"""

import os

# A thread of torch that waits for the others spins for long by default, and on a machine with anything else to do that
# makes training ten times slower; when idle this costs nothing. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
