"""Where the programs of others lie that are measured beside ours: fetched by hand, never part of this project.

git clone https://github.com/karpathy/nanoGPT   and  export LLMLAB_NANOGPT=…/nanoGPT
git clone https://github.com/karpathy/minbpe    and  export LLMLAB_MINBPE=…/minbpe
curl -O https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt
                                                and  export LLMLAB_TINYSHAKESPEARE=…/input.txt
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TINY_SHAKESPEARE = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def folder(name: str) -> Path:
    """Where a contender was cloned to."""
    place = os.environ.get(name)
    if not place or not Path(place).is_dir():
        raise SystemExit(f"Set {name} to a clone of the contender; {__file__} says how.")
    return Path(place)


def tiny_shakespeare() -> Path:
    """The well-known 1.1 MB file, checked to be the one on which all others report."""
    place = os.environ.get("LLMLAB_TINYSHAKESPEARE")
    if not place or hashlib.sha256(Path(place).read_bytes()).hexdigest() != TINY_SHAKESPEARE:
        raise SystemExit(f"Set LLMLAB_TINYSHAKESPEARE to the file; {__file__} says where it is.")
    return Path(place)


def run_nanogpt(corpus: Path) -> tuple[float, float]:
    """nanoGPT's published recipe for a CPU: seconds of the whole process, and its loss over the whole last tenth."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "nanoGPT"
        shutil.copytree(folder("LLMLAB_NANOGPT"), copy, ignore=shutil.ignore_patterns(".git"))
        data = copy / "data" / "shakespeare_char"
        shutil.copy(corpus, data / "input.txt")
        _python(copy, str(data / "prepare.py"))
        began = time.perf_counter()
        _python(copy, "train.py", *NANOGPT_WORDS.split())
        took = time.perf_counter() - began
        return took, float(_python(copy, "-c", NANOGPT_WHOLE_LOSS).split()[-1])


NANOGPT_WORDS = (
    "config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=20 --log_interval=1 --block_size=64 "
    "--batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0.0"
)
"""From nanoGPT's README, word for word."""

NANOGPT_WHOLE_LOSS = """
import numpy, torch
from model import GPT, GPTConfig
kept = torch.load("out-shakespeare-char/ckpt.pt", weights_only=True)
model = GPT(GPTConfig(**kept["model_args"])).eval()
model.load_state_dict(kept["model"])
ids = torch.from_numpy(numpy.fromfile("data/shakespeare_char/val.bin", dtype=numpy.uint16).astype(numpy.int64))
n = (len(ids) - 1) // 64 * 64
with torch.no_grad():
    x, y = ids[:n].view(-1, 64), ids[1 : n + 1].view(-1, 64)
    losses = [model(a, b)[1].item() * len(a) for a, b in zip(x.split(64), y.split(64))]
print(sum(losses) / len(x))
"""


def _python(where: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout
