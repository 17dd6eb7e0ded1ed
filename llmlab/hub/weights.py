"""Reading and writing weights as safetensors, the format that holds numbers and nothing that could run.

Pickles (`pytorch_model.bin`, `*.pt` …) execute code when they are opened and are never read here.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from llmlab.i18n import LearnerError

FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"

_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of `model.safetensors`, or of the shards that its index names, in memory of their own.

    Raises LearnerError when there are none, for a pickle, and for a file that is cut off or damaged.
    """
    if (folder / FILE).is_file():
        return read_file(folder / FILE)
    if not (folder / INDEX).is_file():
        raise _none_there(folder)
    state: dict[str, Tensor] = {}
    for shard in _shards(folder):
        if not (folder / shard).is_file():
            raise LearnerError("hub.shard_missing", folder=folder.name, file=shard)
        state |= read_file(folder / shard)
    return state


def read_file(path: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file. Raises LearnerError as `read_weights` does."""
    try:
        _refuse_pickle(path)
        # "pread" copies: a memory map would crash this process if the file were cut off later.
        with safe_open(path, framework="pt", backend="pread") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise LearnerError("hub.weights_broken", file=path.name, detail=str(error)) from error
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, LearnerError):
            raise
        raise LearnerError("hub.weights_broken", file=path.name, detail=str(error)) from error


def check_weights(state: Mapping[str, Tensor], expected_dtype: str = "") -> None:
    """Raises LearnerError for weights that are no floats, of several dtypes, or that hold NaN or infinity.

    `expected_dtype` is what config.json says: float16 and bfloat16 are of one size, so only that tells a swap.
    """
    dtypes = {tensor.dtype for tensor in state.values()}
    if strange := dtypes - set(_FLOATS):
        raise LearnerError("hub.weights_not_float", dtype=_named(strange))
    if len(dtypes) > 1:
        raise LearnerError("hub.weights_mixed", dtypes=_named(dtypes))
    halves = {"float16", "bfloat16"}
    if dtypes and {found := _named(dtypes), expected_dtype} == halves:
        raise LearnerError("hub.dtype_contradiction", found=found, expected=expected_dtype)
    for name, tensor in state.items():
        if not bool(tensor.isfinite().all()):
            raise LearnerError("hub.weights_not_finite", key=name)


def write_weights(state: Mapping[str, Tensor], folder: Path) -> None:
    """Writes `model.safetensors` under another name first, so that a file of that name is always whole."""
    part = folder / f".{FILE}.{os.getpid()}.part"
    try:
        save_file(dict(state), part, metadata={"format": "pt"})
        part.replace(folder / FILE)
    except SafetensorError as error:  # a full disk, as the library says it
        raise OSError(str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def _shards(folder: Path) -> list[str]:
    try:
        index: Any = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        names = list(dict.fromkeys(index["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LearnerError("hub.weights_broken", file=INDEX, detail=str(error)) from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise LearnerError("hub.weights_broken", file=INDEX, detail=f"{name!r} is not a file of the folder")
    return names


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(2)
    if start == b"PK" or (start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")):
        # A safetensors file may begin with these bytes too: its header is then JSON of just that length.
        with path.open("rb") as stream:
            if stream.read(9)[8:] != b"{":
                raise LearnerError("hub.pickle", file=path.name)


def _none_there(folder: Path) -> LearnerError:
    for path in _files(folder):
        if path.suffix.lower() in _PICKLES:
            return LearnerError("hub.pickle", file=path.name)
    return LearnerError("hub.no_weights", folder=folder.name)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file())


def _named(dtypes: set[torch.dtype]) -> str:
    return ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes))
