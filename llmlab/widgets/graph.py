"""What the computation-graph widget shows: a formula or a small network, each node with value and gradient."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from llmlab.autodiff import Tensor
from llmlab.autodiff.expression import names, read
from llmlab.autodiff.graph import Node, backward_snapshots, describe, number
from llmlab.autodiff.tensor import Array
from llmlab.i18n import Language, LearnerError, say

EXAMPLES: dict[str, tuple[str, dict[str, float]]] = {
    "square": ("(a*b + c)**2", {"a": 2, "b": -3, "c": 4}),
    "twice": ("a*a + a*b", {"a": 3, "b": 2}),
    "neuron": ("tanh(w1*x1 + w2*x2 + b)", {"w1": 0.8, "x1": 1.5, "w2": -1.2, "x2": 0.5, "b": 0.1}),
    "squared_error": ("(sigmoid(w*x) - y)**2", {"w": -5.0, "x": 2.0, "y": 1.0}),
    "log_loss": ("-log(sigmoid(w*x))", {"w": -5.0, "x": 2.0}),
}
"""Formulas with values to start from, by name."""
NETWORK = "network"
"""The example that is made of matrices and not of a formula."""


class Grapher:
    """Answers the `graph` widget."""

    def answer(self, ask: Mapping[str, Any], language: Language = "en") -> dict[str, Any]:
        """The state `answer` for an `example`, or for a `source` with `values`.

        A person's mistake comes back as `error`, beside the source that has it.
        """
        source, values = str(ask.get("source", "")), dict(ask.get("values") or {})
        example = str(ask.get("example", ""))
        if example in EXAMPLES:
            source, values = EXAMPLES[example]
        about = {"nonce": ask.get("nonce", 0), "source": source, "example": example, "error": None}
        try:
            if example == NETWORK:
                return about | {"inputs": [], **_drawn(network())}
            given = {name: float(values.get(name, 1.0)) for name in names(source)}
            inputs = [{"name": name, "value": value} for name, value in given.items()]
            return about | {"inputs": inputs, **_drawn(read(source, given))}
        except LearnerError as error:
            return about | {"error": error.say(language)}


def network() -> Tensor:
    """Two examples through a layer of three neurons to the cross-entropy of two classes: a graph of matrices."""
    random = np.random.default_rng(2)
    x = Tensor([[1.0, -0.5], [0.2, 0.8]], name="X")
    w, b = Tensor(random.normal(size=(2, 3)).round(1), name="W₁"), Tensor([[0.1, -0.2, 0.0]], name="b₁")
    v = Tensor(random.normal(size=(3, 2)).round(1), name="W₂")
    product = x @ w
    hidden = product + b
    active = hidden.tanh()
    logits = active @ v
    loss = logits.cross_entropy([0, 1])
    for node, name in ((product, "Z₁"), (hidden, "Z₂"), (active, "H"), (logits, "Z₃"), (loss, "L")):
        node.name = name
    return loss


def begin(example: str, language: Language) -> dict[str, Any]:
    """The whole state of a widget that opens on an example."""
    from llmlab.widgets import labels

    offered = [{"name": name, "label": say(f"widgets.graph_{name}", language)} for name in (*EXAMPLES, NETWORK)]
    known = example if example in EXAMPLES or example == NETWORK else next(iter(EXAMPLES))
    answer = Grapher().answer({"example": known}, language)
    return {"examples": offered, "labels": labels("graph", language), "answer": answer}


def show(example: str = "square", *, language: Language = "en") -> Any:
    """The live widget in a notebook."""
    from llmlab.widgets.jupyter import host

    grapher = Grapher()
    return host("graph", begin(example, language), lambda asked: grapher.answer(asked, language))


def _drawn(output: Tensor) -> dict[str, Any]:
    snapshots = [
        {"node": node, "gradients": [None if g is None else _said(g) for g in gradients]}
        for node, gradients in backward_snapshots(output)
    ]
    return {"nodes": [_node(node) for node in describe(output)], "snapshots": snapshots}


def _node(node: Node) -> dict[str, Any]:
    partials = [
        {
            "parent": partial.parent,
            "rule": partial.rule,
            "worked": partial.worked,
            "local": None if partial.local is None else number(partial.local),
            "gradient": _said(partial.gradient),
        }
        for partial in node.partials
    ]
    return {
        "name": node.name,
        "operation": node.operation,
        "parents": list(node.parents),
        "column": node.column,
        "row": node.row,
        "value": _said(node.value),
        "formula": node.formula,
        "worked": node.worked,
        "partials": partials,
    }


def _said(value: Array) -> str | list[list[str]]:
    """A number, or the rows of a matrix, as they are printed."""
    if np.ndim(value) == 0:
        return number(value)
    return [[f"{x:.3f}".replace("-", "−") for x in row] for row in np.atleast_2d(value)]
