"""Every number of a walk-through is computed again from its operands, and its code cell runs and agrees."""

import random

import pytest
import torch

from llmlab.lens.walkthrough import Walkthrough
from llmlab.models.bert import Bert, BertConfig
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace


def models():
    torch.manual_seed(0)
    sizes = {"vocab_size": 40, "context_length": 16, "n_layers": 2, "n_heads": 4, "d_model": 16}
    yield "gpt", GPT(GPTConfig(**sizes, n_kv_heads=2))
    yield "llama", GPT(GPTConfig(**sizes, qk_norm=False, tie_embeddings=False))
    yield "gpt2", GPT(GPTConfig(**sizes, style="gpt2"))
    yield "bert", Bert(BertConfig(**sizes))


MODELS = dict(models())
for _model in MODELS.values():
    for _parameter in _model.parameters():
        torch.nn.init.normal_(_parameter, std=0.3)


@pytest.mark.parametrize("name", MODELS)
def test_each_number_follows_from_its_operands(name: str) -> None:
    model = MODELS[name]
    t = trace(model, torch.randint(0, 40, (1, 7)))
    walk = Walkthrough(model, t, layer=1, head=3)
    kinds = [step.kind for step in walk.steps]
    assert kinds[-1] == ("probabilities" if name == "bert" else "laid_out")
    assert {"q", "scores", "weights", "head_outputs", "ff_activation", "logits"} <= set(kinds)
    draw = random.Random(0)
    for step in walk.steps:
        rows, columns = step.values.shape
        for row, column in [(0, 0), (rows - 1, columns - 1), (draw.randrange(rows), draw.randrange(columns))]:
            found = walk.explain(step.name, row, column)
            assert found.shown == float(step.values[row, column])
            torch.testing.assert_close(found.computed, found.shown, rtol=1e-4, atol=1e-4)
            assert found.operands
            exec(found.code, {"torch": torch, "model": model, "t": t})


@pytest.mark.parametrize("name", MODELS)
def test_the_steps_are_those_of_the_trace(name: str) -> None:
    model = MODELS[name]
    t = trace(model, torch.randint(0, 40, (1, 5)))
    walk = Walkthrough(model, t, layer=0, head=2)
    weights = next(step for step in walk.steps if step.kind == "weights")
    torch.testing.assert_close(weights.values, t.layers[0].attention.weights[0, 2])
    odds = next(step.values for step in walk.steps if step.kind == "probabilities")
    torch.testing.assert_close(odds, t.logits[0].softmax(-1)[:, walk.vocabulary])
    assert walk.vocabulary[0] == int(t.logits[0, -1].argmax())


def test_a_code_cell_notices_a_wrong_number() -> None:
    model = MODELS["gpt"]
    t = trace(model, torch.randint(0, 40, (1, 5)))
    code = Walkthrough(model, t, layer=0, head=0).explain("layers.0.attention.q", 2, 1).code
    t["layers.0.attention.q"].value[0, 0, 2, 1] += 0.1
    with pytest.raises(AssertionError):
        exec(code, {"torch": torch, "model": model, "t": t})


def test_a_step_that_is_not_there_is_refused() -> None:
    model = MODELS["gpt2"]
    walk = Walkthrough(model, trace(model, torch.randint(0, 40, (1, 5))), layer=0, head=0)
    with pytest.raises(KeyError):
        walk.explain("layers.0.attention.q_rotated", 0, 0)
