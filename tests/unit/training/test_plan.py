import pytest

from llmlab.i18n import LearnerError
from llmlab.models.gpt import GPT
from llmlab.training import cost, step_time
from llmlab.training.plan import GPU_SHARE, gpus, plan, shape_for


@pytest.fixture(autouse=True)
def _speed(monkeypatch):
    monkeypatch.setattr(cost, "_speed", lambda: 1e11)


@pytest.mark.parametrize("parameters", [100_000, 1_000_000, 10_000_000])
def test_the_shape_has_the_parameters_asked_for(parameters):
    found = plan(parameters, 1000, device="cpu")
    assert found.parameters == GPT(found.shape).parameter_count()
    assert found.parameters == pytest.approx(parameters, rel=0.15)


@pytest.mark.parametrize("parameters", [124_000_000, 1_500_000_000, 70_000_000_000])
def test_large_shapes_are_proportioned_as_published_ones(parameters):
    layers, heads, width = shape_for(parameters, vocab_size=50_257, context=1024)
    assert 12 * layers * width**2 == pytest.approx(parameters, rel=0.4)  # Kaplan et al. 2020, §2.1
    assert 20 < width / layers < 150
    assert width == 64 * heads


def test_the_train_page_and_the_plan_agree():
    found = plan(1_000_000, 2_000_000, device="cpu")
    shown = cost.estimate(found.config, 0, found.shape.vocab_size)
    (option,) = found.options
    assert option.seconds == (shown.seconds_low, shown.seconds_high)
    assert option.memory[0] <= shown.memory_bytes <= option.memory[1]
    assert option.seconds[0] < shown.seconds < option.seconds[1]


def test_energy_is_power_times_time():
    (option,) = plan(1_000_000, 2_000_000, device="cpu").options
    assert option.watt_hours[0] == pytest.approx(option.watts[0] * option.seconds[0] / 3600)
    assert option.watt_hours[1] == pytest.approx(option.watts[1] * option.seconds[1] / 3600)


def test_a_large_model_on_a_gpu_takes_six_operations_for_each_parameter_and_token():
    """Kaplan et al. 2020: 6·N·D; beside it attention, Muon and starting kernels, which are small here."""
    found = plan(1_500_000_000, 10**9, device="cuda", context=256)
    option = next(o for o in found.options if o.name.startswith("A100") and o.precision == "bfloat16")
    sheet = gpus()["A100 SXM 80 GB"]
    fastest = 6 * found.parameters * 10**9 / (sheet["bfloat16"] * 1e12 * GPU_SHARE["bfloat16"][1])
    assert fastest < option.seconds[0] < 1.6 * fastest
    assert option.fits is not False
    assert option.source


def test_what_does_not_fit_is_said():
    fits = {option.name: option.fits for option in plan(7_000_000_000, 10**9, device="cuda").options}
    assert not any(fits.values())
    assert all(option.fits for option in plan(1_000_000, 10**6, device="mps").options)


def test_far_from_twenty_tokens_for_each_parameter():
    assert not plan(1_000_000, 20_000_000, device="cpu").is_far
    assert plan(1_000_000, 1_000_000, device="cpu").is_far
    assert plan(1_000_000, 900_000_000, device="cpu").is_far


def test_beyond_what_was_measured_the_range_is_wider():
    def spread(parameters):
        (option,) = plan(parameters, 10**8, device="cpu", vocab_size=256).options
        return option.seconds[1] / option.seconds[0]

    inside = spread(10_000_000)
    assert inside > 1.2
    assert spread(100 * step_time.measured().largest) > 2 * inside


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"parameters": 0}, "at least 1"),
        ({"tokens": -5}, "at least 1"),
        ({"tokens": 10**30}, "at most"),
        ({"device": "tpu"}, "tpu"),
        ({"parameters": 10**15}, "TB"),
        ({"context": 10**12}, "TB"),
        ({"parameters": 1000, "vocab_size": 50_257}, "vocabulary"),
    ],
)
def test_what_cannot_be(words, said):
    with pytest.raises(LearnerError, match=said):
        plan(**{"parameters": 1_000_000, "tokens": 1_000_000, "device": "cpu"} | words)
