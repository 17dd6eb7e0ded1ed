"""What to read a loss beside: blind guessing, counting tokens, counting n-grams, and, for the Tales, perfection.

Counting six characters at a time takes some seconds, so it is done in a process of its own while the training begins:
`python -m llmlab.training.references RUN` writes `references.json` in the run's folder.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from llmlab.models.ngram import NGram, uniform_loss, unigram_loss
from llmlab.text.batches import split
from llmlab.text.tokenizer import Tokenizer
from llmlab.training import durable, runs
from llmlab.training.background import environment, lower_priority

ORDERS = {"char": 6}
OTHER_ORDER = 3
MOST_TRAINING_TOKENS = 6_000_000
MOST_VALIDATION_TOKENS = 2_000_000
FILE = "references.json"


def start(run: Path) -> "subprocess.Popen[bytes] | None":
    """Begin counting in the background, unless it is done; the process, which may be ended at any time."""
    if runs.references(run).get("kneser_ney"):
        return None
    return subprocess.Popen(
        [sys.executable, "-m", "llmlab.training.references", str(run)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(counting: "subprocess.Popen[bytes] | None") -> None:
    """Do not leave a process behind: when the run is over, so is the counting."""
    if counting is not None:
        counting.kill()
        counting.wait()


def write(run: Path) -> None:
    """Compute the references of a run whose text is prepared: what is quick at once, then Kneser–Ney.

    Losses are in nats per token on the validation text (its first two million tokens). What is counted is the training
    text, or its last six million tokens; `tokens` says how many.
    """
    ids = np.load(run / "data" / "tokens.npy", mmap_mode="r", allow_pickle=False)
    about = durable.read_json(run / "data" / "about.json")
    tokenizer = Tokenizer.load(run / "tokenizer")
    train_ids, val_ids = split(ids, runs.config(run).val_fraction)
    counted, val_ids = train_ids[-MOST_TRAINING_TOKENS:], val_ids[:MOST_VALIDATION_TOKENS]
    found: dict[str, Any] = {
        "uniform": uniform_loss(tokenizer.vocab_size),
        "unigram": unigram_loss(counted, val_ids, tokenizer.vocab_size),
        "kneser_ney": None,
        "floor": about["floor"],
    }
    durable.write_json(run / FILE, found)
    order = ORDERS.get(tokenizer.kind, OTHER_ORDER)
    loss = NGram(order).fit(counted, tokenizer.vocab_size).loss(val_ids)
    durable.write_json(run / FILE, found | {"kneser_ney": {"order": order, "loss": loss, "tokens": len(counted)}})


if __name__ == "__main__":
    lower_priority(10)
    write(Path(sys.argv[1]))
