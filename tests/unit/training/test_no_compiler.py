import subprocess
import sys

STEP = """
import sys, torch
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.training import optimizers
from llmlab.training.config import TrainConfig
model = GPT(GPTConfig(vocab_size=8, context_length=8, n_layers=1, n_heads=1, d_model=8))
ids = torch.zeros(1, 8, dtype=torch.long)
model(ids).logits.sum().backward()
for optimizer in optimizers.build(model, TrainConfig(corpus="x")):
    optimizer.step()
print([name for name in sys.modules if name == "torch._dynamo"])
"""


def test_a_step_does_not_load_torchs_compiler() -> None:
    """It takes seconds to load, and nobody asked for it."""
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
