import subprocess
import sys

import pytest

from llmlab.i18n import LearnerError, field_help
from llmlab.models.gpt_config import GPTConfig


def test_fields_left_out_follow_their_rules() -> None:
    modern = GPTConfig(vocab_size=65, d_model=128, n_heads=4)
    assert (modern.n_kv_heads, modern.head_dim, modern.d_ff) == (4, 32, 344)
    assert (modern.qk_norm, modern.bias, modern.norm_eps) == (True, False, 1e-6)
    classic = GPTConfig(style="gpt2", vocab_size=65, d_model=128, n_heads=4)
    assert (classic.d_ff, classic.qk_norm, classic.bias, classic.norm_eps) == (512, False, True, 1e-5)


@pytest.mark.parametrize("width", [24, 32, 100, 128, 384])
def test_swiglu_width_is_eight_thirds_rounded_up_to_a_multiple_of_8(width: int) -> None:
    d_ff = GPTConfig(vocab_size=2, d_model=width, n_heads=2).d_ff
    assert d_ff % 8 == 0
    assert 0 <= d_ff - 8 / 3 * width < 8


def test_head_dim_of_its_own_needs_no_divisibility() -> None:
    assert GPTConfig(vocab_size=2, d_model=30, n_heads=4, head_dim=16).head_dim == 16


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"d_model": 130}, ["d_model=130", "n_heads=4", "128", "132"]),
        ({"d_model": 3}, ["d_model=3", "n_heads=4", "4"]),
        ({"n_kv_heads": 3}, ["n_heads=4", "n_kv_heads=3", "1, 2, 4"]),
        ({"d_model": 12}, ["head_dim=3", "d_model=12", "n_heads=4"]),
        ({"vocab_size": 0}, ["vocab_size=0"]),
        ({"n_layers": 0}, ["n_layers=0"]),
        ({"context_length": -1}, ["context_length=-1"]),
        ({"d_ff": 0}, ["d_ff=0"]),
        ({"dropout": 1.0}, ["dropout=1.0"]),
        ({"dropout": float("nan")}, ["dropout=nan"]),
        ({"norm_eps": 0.0}, ["norm_eps=0.0"]),
        ({"rope_theta": -1.0}, ["rope_theta=-1.0"]),
        ({"style": "gpt3"}, ["gpt3", "gpt2"]),
        ({"bias": True}, ["bias"]),
        ({"qk_norm": False, "d_model": 30, "head_dim": 8}, ["d_model=30", "n_heads=4", "28", "32"]),
        ({"style": "gpt2", "qk_norm": True}, ["qk_norm"]),
        ({"style": "gpt2", "n_kv_heads": 2}, ["n_kv_heads=2", "n_heads=4"]),
        ({"style": "gpt2", "head_dim": 16}, ["head_dim=16", "n_heads=4", "d_model=128"]),
    ],
)
def test_impossible_settings_are_named_with_the_fix(settings: dict[str, object], named: list[str]) -> None:
    with pytest.raises(LearnerError) as error:
        GPTConfig(**{"vocab_size": 65, **settings})  # type: ignore[arg-type]
    for text in (str(error.value), error.value.say("zh")):
        for part in named:
            assert part in text


def test_every_field_has_help_in_both_languages() -> None:
    english, chinese = field_help(GPTConfig, "en"), field_help(GPTConfig, "zh")
    assert english.keys() == chinese.keys() == GPTConfig.__dataclass_fields__.keys()
    assert all(english[name] != chinese[name] for name in english)


def test_planning_a_model_imports_no_torch() -> None:
    code = "import sys, llmlab.models.size, llmlab.models.gpt_config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
