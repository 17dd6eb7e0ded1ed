"""Where to compute, and the random state that has to be saved to go on exactly."""

import base64
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from llmlab.i18n import LearnerError
from llmlab.training import processor


def pick(word: str) -> torch.device:
    """The device meant by cpu, cuda, cuda:1, mps or auto. Raises LearnerError when it is not there."""
    if word == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    known = ", ".join(["auto", *(kind for kind in there if there[kind])])
    try:
        device = torch.device(word)
    except RuntimeError:
        raise LearnerError("training.device", device=word, known=known) from None
    if not there.get(device.type) or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise LearnerError("training.device", device=word, known=known)
    return device


def precision(word: str, device: torch.device) -> Literal["float32", "bfloat16"]:
    """The number format meant by float32, bfloat16 or auto: bfloat16 where the device has instructions for it."""
    if word == "auto":
        fast = torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else False
        fast = processor.multiplies_bfloat16() if device.type == "cpu" else fast
        return "bfloat16" if fast else "float32"
    return "bfloat16" if word == "bfloat16" else "float32"


def multiplying_in(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Around a forward pass: take its matrix products in this number format."""
    return nullcontext() if precision == "float32" else torch.autocast(device.type, dtype=torch.bfloat16)


def random_state(device: torch.device) -> dict[str, str]:
    """Torch's random state on the CPU and on the device, as JSON keeps it."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return {name: base64.b64encode(state.numpy().tobytes()).decode() for name, state in states.items()}


def set_random_state(saved: dict[str, Any], device: torch.device) -> None:
    """The opposite. A device that was not in use when the state was saved keeps its own."""
    states = {name: torch.frombuffer(bytearray(base64.b64decode(s)), dtype=torch.uint8) for name, s in saved.items()}
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])


def free_memory(device: torch.device) -> int | None:
    """Bytes free on a device that has memory of its own, else None."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
