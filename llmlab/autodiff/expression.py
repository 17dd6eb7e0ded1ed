"""A formula that a learner types, as a graph of the engine: `read("tanh(w*x + b)", {"w": 2, "x": 0.5, "b": -1})`.

Nothing is evaluated by Python: the formula is parsed, and only what stands below is known.
"""

import ast
from collections.abc import Callable, Mapping

import numpy as np

from llmlab.autodiff.tensor import Tensor
from llmlab.i18n import LearnerError

LONGEST = 120
MOST_NODES = 24
FUNCTIONS = ("tanh", "sigmoid", "relu", "exp", "log")
_OPERATORS: dict[type[ast.operator], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def names(source: str) -> list[str]:
    """The inputs of a formula, in order of appearance. Raises LearnerError for what is not one."""
    parts = list(ast.walk(_parsed(source)))
    called = {id(part.func) for part in parts if isinstance(part, ast.Call)}
    found = sorted((n for n in parts if isinstance(n, ast.Name) and id(n) not in called), key=lambda n: n.col_offset)
    return list(dict.fromkeys(name.id for name in found))


def read(source: str, values: Mapping[str, float]) -> Tensor:
    """The graph of a formula at these values; an input that has none gets 1. Intermediate results are named z1, z2 ….

    Raises LearnerError for a formula that cannot be read, is too long, or has no value there.
    """
    leaves = {name: Tensor(values.get(name, 1.0), name=name) for name in names(source)}
    with np.errstate(all="ignore"):
        made = _built(_parsed(source).body, leaves)
    nodes = made.graph()
    if len(nodes) > MOST_NODES:
        raise LearnerError("autodiff.too_many_nodes", nodes=len(nodes), most=MOST_NODES)
    inner = [node for node in nodes if node.parents]
    for number, node in enumerate(inner, start=1):
        node.name = f"z{number}"
        if not np.isfinite(node.data):
            raise LearnerError("autodiff.not_finite", operation=node.operation, value=f"{node.parents[-1].item():.4g}")
    if inner:
        made.name = "L"
    return made


def _parsed(source: str) -> ast.Expression:
    if not source.strip():
        raise LearnerError("autodiff.empty")
    if len(source) > LONGEST:
        raise LearnerError("autodiff.too_long", characters=len(source), most=LONGEST)
    try:
        return ast.parse(source.strip().replace("^", "**"), mode="eval")
    except (SyntaxError, ValueError):
        raise LearnerError("autodiff.unreadable", source=source) from None


def _built(node: ast.expr, leaves: Mapping[str, Tensor]) -> Tensor:
    match node:
        case ast.Name(id=name) if name in leaves:
            return leaves[name]
        case ast.Constant(value=int() | float() as value):
            return Tensor(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_built(operand, leaves)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _built(left, leaves) ** _exponent(right)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            return _OPERATORS[type(operator)](_built(left, leaves), _built(right, leaves))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            made: Tensor = getattr(_built(argument, leaves), name)()
            return made
    raise LearnerError("autodiff.unknown", part=ast.unparse(node), functions=", ".join(FUNCTIONS))


def _exponent(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value) if abs(value) <= 8:
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_exponent(operand)
    raise LearnerError("autodiff.exponent", part=ast.unparse(node))
