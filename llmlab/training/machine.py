"""The machine that a run was trained on, noted in `run.json`, and kept the same where exactness depends on it."""

import ctypes
import os
import platform
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

import llmlab
from llmlab.training import devices, durable, runs
from llmlab.training.config import TrainConfig

PACKAGES = ("torch", "numpy", "tokenizers", "safetensors")


def record(run: Path, config: TrainConfig, device: torch.device, processes: int = 1) -> TrainConfig:
    """Set the number of threads, the same at each resumption, and note it with device and versions.

    Returns the run's configuration with what this machine chooses filled in: the number format, also kept.
    """
    about = runs.about(run)
    before = about.get("machine", {})
    kept = before.get("threads") if before.get("processes", 1) == processes else None
    threads = config.threads or kept or max(1, (psutil.cpu_count(logical=False) or 1) // processes)
    use(threads, device)
    precision = devices.precision(config.precision, device)
    if config.precision == "auto" and before.get("device") == str(device):
        precision = before.get("precision", "float32")
    versions = {"python": platform.python_version(), "llmlab": llmlab.__version__}
    about["machine"] = {
        "threads": threads,
        "processes": processes,
        "device": str(device),
        "precision": precision,
        "platform": platform.platform(),
        "versions": versions | {package: version(package) for package in PACKAGES},
    }
    durable.write_json(run / runs.RUN, about)
    return replace(config, precision=precision)


def use(threads: int, device: torch.device) -> None:
    """Compute with so many threads, and always in the same order."""
    torch.set_num_threads(threads)
    if device.type == "cpu":
        _keep_freed_memory()
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may add in any order
        torch.use_deterministic_algorithms(True, warn_only=True)


def _keep_freed_memory() -> None:
    """Have glibc keep large blocks for the next step. It gives them back to the system at once otherwise, and each step
    pays for getting them again, page by page: a tenth of its time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # from malloc.h
    mallopt(mmap_threshold, 1 << 30) or mallopt(mmap_threshold, 1 << 25)  # older ones refuse more than 32 MB
    mallopt(trim_threshold, (1 << 31) - 1)
    mallopt(top_pad, 1 << 26)
