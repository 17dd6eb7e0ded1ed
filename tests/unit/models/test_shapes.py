"""The shapes in the signatures, checked in a process of its own whatever was imported before; and torch.compile, which
that checking would break, in another.
"""

import subprocess
import sys

CHECKED = """
from jaxtyping import TypeCheckError, install_import_hook
with install_import_hook(
    ["llmlab.nn", "llmlab.models.bert", "llmlab.models.gpt", "llmlab.models.trace"], "beartype.beartype"
):
    from llmlab.models.bert import Bert, BertConfig
    from llmlab.models.gpt import GPT, GPTConfig
    from llmlab.models.trace import trace
import torch
ids = torch.zeros(2, 5, dtype=torch.long)
for config in (
    GPTConfig(style="gpt2", vocab_size=7, context_length=8, n_layers=1, d_model=8, n_heads=2),
    GPTConfig(vocab_size=7, context_length=8, n_layers=1, d_model=8, n_heads=2, n_kv_heads=1, head_dim=6),
):
    model = GPT(config)
    model(ids, torch.ones_like(ids))
    cache = model.new_cache(2)
    model(ids, cache=cache), model(ids[:, :2], cache=cache), model(ids[:, :1], cache=cache)
    trace(model, ids)
    for wrong in (ids[0], ids.float()):
        try:
            model(wrong)
        except TypeCheckError:
            continue
        raise SystemExit("a wrong input was let through")
model = Bert(BertConfig(vocab_size=7, context_length=8, n_layers=1, d_model=8, n_heads=2))
model(ids, torch.ones_like(ids), token_type_ids=ids, only=ids == 0)
trace(model, ids, torch.ones_like(ids), token_type_ids=ids)
"""


def run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_signatures_hold() -> None:
    run(CHECKED)


COMPILED = """
import torch
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
torch.manual_seed(0)
ids = torch.randint(0, 7, (2, 8))
sizes = {"vocab_size": 7, "context_length": 8, "n_layers": 1, "d_model": 8, "n_heads": 2}
for model in (GPT(GPTConfig(style="gpt2", **sizes)), GPT(GPTConfig(**sizes)), Bert(BertConfig(**sizes))):
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with torch.autocast("cpu", torch.bfloat16):
        compiled(ids).logits.sum().backward()
    torch.testing.assert_close(compiled(ids).logits, model(ids).logits)
"""


def test_compiles_without_a_break() -> None:
    run(COMPILED)
