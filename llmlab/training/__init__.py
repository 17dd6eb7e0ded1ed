"""Training: what a run is asked to do, its folder on disk, the loop, and the queue of background jobs.

`config`, `recipes`, `runs`, `status`, `jobs` and `cost` load no torch; `loop` does.
"""
