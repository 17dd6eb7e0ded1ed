"""The machine that a run was trained on, noted in `run.json`, and kept the same where exactness depends on it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

import llmlab
from llmlab.training import durable, runs
from llmlab.training.config import TrainConfig

PACKAGES = ("torch", "numpy", "tokenizers", "safetensors")


def record(run: Path, config: TrainConfig, device: torch.device) -> None:
    """Set the number of threads, the same at each resumption, and note it with device and versions."""
    about = runs.about(run)
    threads = config.threads or about.get("machine", {}).get("threads") or psutil.cpu_count(logical=False) or 1
    torch.set_num_threads(threads)
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may add in any order
        torch.use_deterministic_algorithms(True, warn_only=True)
    versions = {"python": platform.python_version(), "llmlab": llmlab.__version__}
    about["machine"] = {
        "threads": threads,
        "device": str(device),
        "platform": platform.platform(),
        "versions": versions | {package: version(package) for package in PACKAGES},
    }
    durable.write_json(run / runs.RUN, about)
