"""Writing token by token, in float32 and with weights of eight bits, and scoring a megabyte, beside transformers with
the same weights; and what eight bits cost in loss.

On a machine busy with other work `OPENBLAS_NUM_THREADS=1 python -m benchmarks decoding --one-thread` compares
processor time with one thread, which the other work disturbs least.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch

from benchmarks.report import Report, in_turn

Clock: TypeAlias = Callable[[], float]


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks decoding")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--batches", type=int, default=60, help="how many batches of 64 windows of 256 tokens to score")
    parser.add_argument("--small", action="store_true", help="leave out the model of 124 million parameters")
    parser.add_argument("--one-thread", action="store_true", help="processor time with one thread, in place of seconds")
    options = parser.parse_args(words)
    clock = time.process_time if options.one_thread else time.perf_counter
    if options.one_thread:
        torch.set_num_threads(1)
    from llmlab.hub import is_local
    from llmlab.models.gpt import GPT, GPTConfig

    report = Report("decoding-one-thread" if options.one_thread else "decoding")
    torch.manual_seed(0)
    tiny = GPT(GPTConfig(vocab_size=65, context_length=256)).eval()
    decode(report, clock, "decoding, 0.8M parameters", tiny, options.tokens, options.repeats, reach=5)
    score(report, clock, tiny, options.batches, options.repeats)
    if not options.small:
        shape = GPTConfig(style="gpt2", vocab_size=50257, context_length=1024, n_layers=12, n_heads=12, d_model=768)
        large = GPT(shape).eval()
        what = "decoding, 124M GPT-2 shape"
        int8 = f"{what}, int8 against float32"
        decode(report, clock, f"{what}, float32", large, 64, options.repeats, reach=1.2, int8=int8)
    loss_of_int8(report, "shakespeare-gpt", "shakespeare")
    if is_local("smollm2"):
        loss_of_int8(report, "smollm2", "shakespeare", tokens=8192, context=512)
    report.end()


def decode(
    report: Report,
    clock: Clock,
    what: str,
    model: Any,
    tokens: int,
    repeats: int,
    *,
    reach: float,
    int8: str | None = None,
) -> None:
    """Greedy, one sequence; both continue the same prompt, and must write the same. `int8` names a second line, for
    weights of eight bits beside the same contender.
    """
    from llmlab.generation.reading import Reader
    from llmlab.hub import to_hf
    from llmlab.nn.int8 import in_int8

    other = to_hf(model).eval()
    prompt = list(range(1, 17))
    written: dict[str, list[int]] = {}

    def ours(name: str, read: Any) -> float:
        ids = list(prompt)
        began = clock()
        reader = Reader(read, longest=len(prompt) + tokens)
        for _ in range(tokens):
            ids.append(int(reader.next_logits(ids).argmax()))
        written[name] = ids
        return tokens / (clock() - began)

    def theirs() -> float:
        began = clock()
        with torch.inference_mode():
            out = other.generate(
                torch.tensor([prompt]), max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
            )
        written["theirs"] = out[0].tolist()
        return tokens / (clock() - began)

    contenders = {"ours": partial(ours, "ours", model), "transformers": theirs}
    if int8 is not None:
        contenders["int8"] = partial(ours, "int8", in_int8(model))
    found = in_turn(contenders, repeats)
    if written["ours"] != written["theirs"]:
        raise SystemExit(f"{what}: the two do not write the same")
    report.compare(what, found["ours"], found["transformers"], unit="tokens/s", reach=reach, more_is_better=True)
    if int8 is not None:
        report.compare(int8, found["int8"], found["transformers"], unit="tokens/s", reach=4, more_is_better=True)


def loss_of_int8(
    report: Report, name: str, corpus: str, *, tokens: int | None = None, context: int | None = None
) -> None:
    """Validation loss with weights of eight bits as a multiple of that in float32, over the held-out tenth, or over the
    last `tokens` of the text.
    """
    from llmlab import hub
    from llmlab.models.scoring import validation_loss
    from llmlab.nn.int8 import in_int8

    model, tokenizer = hub.load(name)
    model = model.float()
    text = hub.corpus_text(corpus)
    ids = tokenizer.encode_array(text if tokens is None else text[-10 * tokens :])
    held_out = ids[-(tokens + 1 if tokens is not None else len(ids) // 10) :]
    before, after = (validation_loss(m, held_out, context_length=context) for m in (model, in_int8(model)))
    note = f"{before:.4f} nats became {after:.4f}, {len(held_out) - 1:,} tokens"
    report.value(f"loss of {name} in int8, as a share of float32", [after / before], unit="×", at_most=1.01, note=note)


def score(report: Report, clock: Clock, model: Any, batches: int, repeats: int) -> None:
    """Nats per token in batches of 64 windows, beside the loop one writes around transformers."""
    import torch.nn.functional as F

    from llmlab.hub import to_hf
    from llmlab.models.scoring import validation_loss

    other = to_hf(model).eval()
    context, batch = 256, 64
    ids = torch.randint(0, 65, (context * batch * batches + 1,), generator=torch.Generator().manual_seed(0))
    losses: dict[str, float] = {}

    def ours() -> float:
        began = clock()
        losses["ours"] = validation_loss(model, ids.numpy(), batch_size=batch)
        return clock() - began

    def theirs() -> float:
        began = clock()
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(ids) - 1, context * batch):
                x = ids[start : start + context * batch].view(batch, context)
                y = ids[start + 1 : start + context * batch + 1]
                total += F.cross_entropy(other(x).logits.flatten(0, 1), y, reduction="sum").item()
        losses["theirs"] = total / (len(ids) - 1)
        return clock() - began

    found = in_turn({"ours": ours, "transformers": theirs}, repeats)
    if abs(losses["ours"] - losses["theirs"]) > 1e-5:
        raise SystemExit(f"the two do not agree on the loss: {losses}")
    what = f"loss of {context * batch * batches / 1e6:.2g} M tokens, batched"
    report.compare(what, found["ours"], found["transformers"], unit="s", reach=1.3)
