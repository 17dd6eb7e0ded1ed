import pytest
from torch import nn

from llmlab.models.evaluating import evaluating


def fail(model: nn.Module) -> None:
    with evaluating(model):
        assert not model.training
        raise ZeroDivisionError


@pytest.mark.parametrize("training", [True, False])
def test_a_model_goes_back_to_its_mode_even_after_a_fault(training: bool) -> None:
    model = nn.Linear(1, 1).train(training)
    with pytest.raises(ZeroDivisionError):
        fail(model)
    assert model.training == training
