"""A learner's formula becomes a graph, told node by node; what is told agrees with torch and with itself."""

import numpy as np
import pytest
import torch

from llmlab.autodiff import Tensor
from llmlab.autodiff.expression import names, read
from llmlab.autodiff.graph import backward_snapshots, describe
from llmlab.i18n import LearnerError

SOURCE = "tanh(w*x + b)**2 / (1 + exp(-x)) - relu(w) * log(b)"
VALUES = {"w": 0.7, "x": -1.3, "b": 2.1}


def test_a_formula_has_its_value_and_gradients() -> None:
    assert names(SOURCE) == ["w", "x", "b"]
    w, x, b = (torch.tensor(VALUES[name], dtype=torch.float64, requires_grad=True) for name in "wxb")
    expected = torch.tanh(w * x + b) ** 2 / (1 + torch.exp(-x)) - torch.relu(w) * torch.log(b)
    expected.backward()
    nodes = {node.name: node for node in describe(read(SOURCE, VALUES))}
    assert float(nodes["L"].value) == pytest.approx(expected.item(), abs=1e-12)
    for name, leaf in {"w": w, "x": x, "b": b}.items():
        assert float(nodes[name].gradient) == pytest.approx(leaf.grad.item(), abs=1e-12)


def test_what_flows_into_a_node_adds_up_to_its_gradient() -> None:
    nodes = describe(read(SOURCE, VALUES))
    arrived = [0.0] * len(nodes)
    for node in nodes:
        for partial in node.partials:
            arrived[partial.parent] += float(partial.gradient)
            assert float(partial.gradient) == pytest.approx(float(node.gradient) * float(partial.local))
    for node, total in zip(nodes[:-1], arrived[:-1], strict=True):
        assert float(node.gradient) == pytest.approx(total)


def test_local_derivatives_are_said_with_their_numbers() -> None:
    product, tanh = describe(read("tanh(a*b)", {"a": 0.5, "b": -0.8}))[2:]
    assert (product.formula, product.worked) == ("z1 = a · b", "= 0.5 · (−0.8) = −0.4")
    assert [(p.rule, p.worked) for p in product.partials] == [("b", "(−0.8)"), ("a", "0.5")]
    assert (tanh.partials[0].rule, tanh.partials[0].worked) == ("1 − L²", "1 − (−0.3799)²")


def test_backward_goes_node_by_node_and_ends_with_all_gradients() -> None:
    output = read("a*a + a*b", {"a": 3.0, "b": 2.0})
    nodes = describe(output)
    snapshots = backward_snapshots(output)
    inner = [index for index, node in enumerate(nodes) if node.parents]
    assert [index for index, _ in snapshots] == inner[::-1]
    after_one = snapshots[0][1]
    a = [node.name for node in nodes].index("a")
    assert after_one[a] is None
    assert float(snapshots[1][1][a]) == 2.0  # one of its ways so far: ∂(a·b)/∂a
    assert float(snapshots[2][1][a]) == 8.0  # and both: 2a + b
    assert [float(g) for g in snapshots[-1][1]] == [float(node.gradient) for node in nodes]


def test_matrices_pass_their_gradient_on() -> None:
    x, w = Tensor(np.arange(6.0).reshape(2, 3), name="X"), Tensor(np.ones((3, 2)), name="W")
    h = x @ w
    h.name = "H"
    loss = h.cross_entropy([0, 1])
    loss.name = "L"
    nodes = {node.name: node for node in describe(loss)}
    assert [p.rule for p in nodes["H"].partials] == ["G @ Wᵀ", "Xᵀ @ G"]
    np.testing.assert_allclose(nodes["W"].gradient, x.data.T @ nodes["H"].gradient)


def test_nodes_do_not_stand_on_each_other_and_come_after_their_operands() -> None:
    nodes = describe(read("a*b + c*d + a*c + (a + b*c) * d", {}))
    places = [(node.column, node.row) for node in nodes]
    for index, (column, row) in enumerate(places):
        assert all(abs(row - r) >= 1 for other, (c, r) in enumerate(places) if c == column and other != index)
        assert all(nodes[parent].column < column for parent in nodes[index].parents)


@pytest.mark.parametrize(
    "source",
    ["", "a +", "a b", "open(a)", "__import__('os')", "a.b", "a[0]", "a**b", "a**99", "log(a - 1)", "a" * 200,
     "a+" * 30 + "a", "tanh(a, b)", "'a'", "True if a else b"],
)  # fmt: skip
def test_what_is_no_formula_is_said_in_both_languages(source: str) -> None:
    with pytest.raises(LearnerError) as error:
        read(source, {})
    assert str(error.value)
    assert not error.value.say("zh").isascii()
