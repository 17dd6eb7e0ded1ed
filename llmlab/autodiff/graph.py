"""A computation graph told node by node: where it stands in a drawing, its formula, its local derivatives, numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from llmlab.autodiff.tensor import Array, Tensor, as_before_broadcasting

_FORMULAS = {
    "+": "{a} + {b}",
    "-": "{a} − {b}",
    "*": "{a} · {b}",
    "/": "{a} / {b}",
    "@": "{a} @ {b}",
    "neg": "−{a}",
    "transpose": "{a}ᵀ",
}
_LOCAL = {
    "+": ("1", "1"),
    "-": ("1", "−1"),
    "*": ("{b}", "{a}"),
    "/": ("1 / {b}", "−{a} / {b}²"),
    "neg": ("−1",),
    "exp": ("{c}",),
    "log": ("1 / {a}",),
    "tanh": ("1 − {c}²",),
    "sigmoid": ("{c} · (1 − {c})",),
    "relu": ("[{a} > 0]",),
}
"""∂c/∂a and ∂c/∂b of c = a ∘ b, element by element."""
_PASSED = {
    "@": ("G @ {b}ᵀ", "{a}ᵀ @ G"),
    "sum": ("G · 1",),
    "transpose": ("Gᵀ",),
    "reshape": ("G",),
    "softmax": ("{c} · (G − ΣG·{c})",),
    "cross-entropy": ("G · (softmax({a}) − y) / n",),
}
"""What passes G = ∂L/∂c on to the operands, where that is no product element by element."""


@dataclass(frozen=True, kw_only=True)
class Partial:
    """From a node to one of its operands."""

    parent: int
    rule: str
    """The local derivative as a formula, "1 − L²"; of a matrix operation, what passes the gradient on."""
    worked: str
    """The same with numbers put in; empty where these are arrays."""
    local: Array | None
    """∂node/∂operand, of single numbers."""
    gradient: Array
    """What this way adds to the operand's gradient."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of a graph, after its parents in the list."""

    name: str
    operation: str
    value: Array
    gradient: Array
    parents: tuple[int, ...]
    column: int
    """Of the drawing, from the inputs at 0."""
    row: float
    formula: str
    """"z1 = w · x"; empty for an input."""
    worked: str
    """The same with numbers; empty where these are arrays."""
    partials: tuple[Partial, ...]


def describe(output: Tensor) -> list[Node]:
    """All nodes of a number's graph, in the order in which they are computed, with their gradients after `backward`."""
    nodes = output.graph()
    for node in nodes:
        node.grad = None
    output.backward()
    places = {id(node): index for index, node in enumerate(nodes)}
    parents = [tuple(places[id(parent)] for parent in node.parents) for node in nodes]
    columns, rows = _columns(parents), _rows(parents)
    return [
        Node(
            name=_name(node),
            operation=node.operation,
            value=node.data,
            gradient=_gradient(node),
            parents=parents[index],
            column=columns[index],
            row=rows[index],
            formula=f"{_name(node)} = {_formula(node, [_name(p) for p in node.parents])}" if node.parents else "",
            worked=f"= {_formula(node, _numbers(node))} = {number(node.data)}" if _small(node) else "",
            partials=_partials(node, parents[index]),
        )
        for index, node in enumerate(nodes)
    ]


def backward_snapshots(output: Tensor) -> list[tuple[int, list[Array | None]]]:
    """After each step of the walk back: which node has passed its gradient on, and what every node has by then.

    None where nothing has arrived yet.
    """
    nodes = output.graph()
    for node in nodes:
        node.grad = None
    reached, found = {id(output)}, []
    for node in output.backward_steps():
        reached |= {id(parent) for parent in node.parents}
        if node.parents:
            gradients = [_gradient(n).copy() if id(n) in reached else None for n in nodes]
            found.append((next(i for i, n in enumerate(nodes) if n is node), gradients))
    return found


def number(value: Array | float) -> str:
    """A number as a person writes it, with four digits that matter."""
    text = f"{float(np.asarray(value).item()):.4g}"
    return text.replace("e+0", "e").replace("e-0", "e-").replace("-", "−")


def _name(node: Tensor) -> str:
    return node.name or (number(node.data) if node.data.size == 1 else "·")


def _gradient(node: Tensor) -> Array:
    assert node.grad is not None
    return node.grad


def _small(node: Tensor) -> bool:
    return bool(node.parents) and node.data.ndim == 0 and all(p.data.ndim == 0 for p in node.parents)


def _numbers(node: Tensor) -> list[str]:
    return [_bracketed(parent.data) for parent in node.parents]


def _bracketed(value: Array) -> str:
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def _formula(node: Tensor, operands: Sequence[str]) -> str:
    if node.operation.startswith("**"):
        return f"{operands[0]}{_superscript(node.operation[2:])}"
    template = _FORMULAS.get(node.operation, node.operation + "({a})")
    return template.format(a=operands[0], b=operands[-1])


def _superscript(text: str) -> str:
    return text.translate(str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·"))


def _rules(node: Tensor) -> tuple[str, ...]:
    if node.operation.startswith("**"):
        power = float(node.operation[2:])
        lower = "" if power == 2 else _superscript(f"{power - 1:g}")
        return (f"{power:g} · {{a}}{lower}",)
    return _LOCAL.get(node.operation) or _PASSED.get(node.operation, ("G",))


def _partials(node: Tensor, parents: tuple[int, ...]) -> tuple[Partial, ...]:
    if node.pull is None:
        return ()
    small = _small(node)
    names = [_name(p) for p in node.parents]
    numbers = [*_numbers(node), _bracketed(node.data)] if small else []
    passed, local = node.pull(_gradient(node)), node.pull(np.ones_like(node.data))
    return tuple(
        Partial(
            parent=parent,
            rule=rule.format(a=names[0], b=names[-1], c=_name(node)),
            worked=rule.format(a=numbers[0], b=numbers[-2], c=numbers[-1]) if small else "",
            local=np.asarray(local[place]) if small else None,
            gradient=as_before_broadcasting(passed[place], node.parents[place].shape),
        )
        for place, (parent, rule) in enumerate(zip(parents, _rules(node), strict=True))
    )


def _columns(parents: Sequence[tuple[int, ...]]) -> list[int]:
    """A node stands after all its operands; an input just before the first that uses it."""
    columns = [0] * len(parents)
    for index, of in enumerate(parents):
        columns[index] = max((columns[parent] + 1 for parent in of), default=0)
    for index, of in enumerate(parents):
        used = [columns[child] for child, needs in enumerate(parents) if index in needs]
        if not of and used:
            columns[index] = min(used) - 1
    return columns


def _rows(parents: Sequence[tuple[int, ...]]) -> list[float]:
    """Inputs below each other in the order in which they are first used; every other node amid its operands."""
    columns, rows = _columns(parents), [0.0] * len(parents)
    inputs = (index for index, of in enumerate(parents) if not of)
    for slot, index in enumerate(inputs):
        rows[index] = float(slot)
    for index, of in enumerate(parents):
        if of:
            rows[index] = sum(rows[parent] for parent in of) / len(of)
    for column in set(columns):  # nobody stands on another
        here = sorted((i for i, c in enumerate(columns) if c == column), key=lambda i: rows[i])
        for upper, lower in pairwise(here):
            rows[lower] = max(rows[lower], rows[upper] + 1)
    return rows
