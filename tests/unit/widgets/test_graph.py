"""The computation-graph widget's answers against the engine, which the parity tests hold against torch's."""

import pytest

from llmlab.autodiff.expression import read
from llmlab.i18n import LANGUAGES
from llmlab.widgets.graph import EXAMPLES, NETWORK, Grapher, begin


@pytest.mark.parametrize("example", [*EXAMPLES, NETWORK])
def test_an_example_is_drawn_from_its_inputs_to_its_loss(example) -> None:
    answer = Grapher().answer({"example": example})
    nodes, last = answer["nodes"], answer["snapshots"][-1]["gradients"]
    assert answer["error"] is None
    assert nodes[-1]["name"] == "L"
    assert last[-1] == "1"
    assert all(gradient is not None for gradient in last)
    assert len(answer["snapshots"]) == sum(bool(node["parents"]) for node in nodes)


def test_values_are_put_in_and_printed_as_the_engine_has_them() -> None:
    source, values = "tanh(w*x)", {"w": 1.7, "x": -0.4}
    answer = Grapher().answer({"source": source, "values": values, "nonce": 5})
    output = read(source, values)
    output.backward()
    assert answer["inputs"] == [{"name": "w", "value": 1.7}, {"name": "x", "value": -0.4}]
    assert float(answer["nodes"][-1]["value"].replace("−", "-")) == pytest.approx(output.item(), rel=1e-3)
    gradients = [float(g.replace("−", "-")) for g in answer["snapshots"][-1]["gradients"]]
    assert gradients == pytest.approx([float(node.grad) for node in output.graph()], rel=1e-3)


def test_at_a_confident_mistake_squared_error_passes_next_to_nothing() -> None:
    def slope(example: str) -> float:
        answer = Grapher().answer({"example": example})
        product = next(i for i, node in enumerate(answer["nodes"]) if node["operation"] == "*")
        return float(answer["snapshots"][-1]["gradients"][product].replace("−", "-"))

    assert slope("log_loss") == pytest.approx(-1.0, abs=1e-3)
    assert slope("squared_error") == pytest.approx(-9.1e-5, rel=0.02)


def test_a_mistake_is_a_sentence_beside_what_was_typed() -> None:
    for language in LANGUAGES:
        answer = Grapher().answer({"source": "a +"}, language)
        assert answer["source"] == "a +"
        assert "a +" in answer["error"]


def test_it_opens_on_what_a_chapter_asks_for() -> None:
    assert begin(NETWORK, "zh")["answer"]["example"] == NETWORK
    assert begin("no such", "en")["answer"]["example"] == "square"
