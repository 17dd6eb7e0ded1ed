import json

import numpy as np
import pytest
import torch

from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.scoring import validation_loss
from llmlab.training import devices, machine, processor
from llmlab.training.config import TrainConfig
from llmlab.training.evaluation import Validation

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "there"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amd_lbr_v2", True),
        ("flags\t\t: fpu amx_bf16 avx512_fp16", True),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16x", False),
        ("model name\t: avx512_bf16\nflags\t\t: fpu avx2", False),
        ("", False),
    ],
)
def test_instructions_are_read_from_the_flags(flags, there):
    assert processor.has_flag(flags) is there


def test_auto_is_what_the_processor_can(monkeypatch):
    for can, chosen in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(processor, "multiplies_bfloat16", lambda can=can: can)
        assert devices.precision("auto", CPU) == chosen
        assert devices.precision("float32", CPU) == "float32"
        assert devices.precision("bfloat16", CPU) == "bfloat16"


def test_a_resumed_run_keeps_the_number_format_it_began_with(tmp_path, monkeypatch):
    (tmp_path / "run.json").write_text('{"config": {}}')
    config = TrainConfig(corpus="x", threads=torch.get_num_threads())
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda: True)
    assert machine.record(tmp_path, config, CPU).precision == "bfloat16"
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda: False)
    assert machine.record(tmp_path, config, CPU).precision == "bfloat16"
    assert json.loads((tmp_path / "run.json").read_text())["machine"]["precision"] == "bfloat16"


def test_steering_is_in_bfloat16_and_the_last_word_in_float32():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=11, context_length=8, n_layers=1, n_heads=1, d_model=16))
    ids = np.random.default_rng(0).integers(0, 11, 65).astype(np.uint8)
    with torch.no_grad():
        model.blocks[0].feed_forward.down.weight.normal_()
    measured = Validation(ids, context_length=8, vocab_size=11, steering_tokens=64, precision="bfloat16")
    exact = validation_loss(model, ids, context_length=8)
    assert measured.steering_loss(model) != pytest.approx(exact, rel=1e-6)
    assert measured.steering_loss(model) == pytest.approx(exact, rel=1e-2)
    assert measured.whole_loss(model, lambda: None) == pytest.approx(exact, rel=1e-6)
    assert measured.spread_loss(model, 64)[0] == pytest.approx(exact, rel=1e-6)
