"""Reverse-mode automatic differentiation on numpy arrays (Linnainmaa 1970; Rumelhart, Hinton and Williams 1986).

Every operation does two things: it computes its value, and it leaves behind a function that turns the gradient with
respect to its result into the gradients with respect to its operands. Walking the graph backwards with these functions
is the whole of backpropagation. `torch.autograd` is the authority that the tests compare with.
"""

from collections.abc import Callable, Iterator
from typing import Any, Union

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Operand = Union["Tensor", npt.ArrayLike]
Pull = Callable[[Array], tuple[Array, ...]]
"""From the gradient of the result to the gradients of the operands, one each (a vector–Jacobian product)."""


class Tensor:
    """An array in float64 that knows what it was made from."""

    __array_ufunc__ = None  # `array * tensor` asks the tensor, not numpy

    def __init__(
        self,
        data: npt.ArrayLike,
        *,
        name: str = "",
        operation: str = "",
        parents: tuple["Tensor", ...] = (),
        pull: Pull | None = None,
    ) -> None:
        self.data: Array = np.asarray(data, dtype=np.float64)
        self.grad: Array | None = None
        """∂L/∂data, of the same shape, once `backward` of L was called."""
        self.name = name
        self.operation = operation
        """What made it: "+", "tanh" …; empty for a leaf."""
        self.parents = parents
        self.pull = pull

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def T(self) -> "Tensor":  # noqa: N802 - what numpy and torch call it
        """Last two axes exchanged."""
        return _made("transpose", np.swapaxes(self.data, -1, -2), (self,), lambda g: (np.swapaxes(g, -1, -2),))

    def item(self) -> float:
        """The number of a tensor that holds one."""
        return float(self.data.item())

    def __repr__(self) -> str:
        named = f"{self.name} = " if self.name else ""
        return f"{named}Tensor({np.array2string(self.data, precision=4, separator=', ')})"

    # Arithmetic, element by element; shapes are broadcast as numpy does.

    def __add__(self, other: Operand) -> "Tensor":
        other = _tensor(other)
        return _made("+", self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other: Operand) -> "Tensor":
        other = _tensor(other)
        return _made("*", self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data))

    def __sub__(self, other: Operand) -> "Tensor":
        other = _tensor(other)
        return _made("-", self.data - other.data, (self, other), lambda g: (g, -g))

    def __truediv__(self, other: Operand) -> "Tensor":
        other = _tensor(other)
        out = self.data / other.data
        return _made("/", out, (self, other), lambda g: (g / other.data, -g * out / other.data))

    def __pow__(self, exponent: float) -> "Tensor":
        """With a fixed exponent."""
        out = self.data**exponent
        return _made(f"**{exponent:g}", out, (self,), lambda g: (g * exponent * self.data ** (exponent - 1),))

    def __neg__(self) -> "Tensor":
        return _made("neg", -self.data, (self,), lambda g: (-g,))

    def __radd__(self, other: Operand) -> "Tensor":
        return _tensor(other) + self

    def __rmul__(self, other: Operand) -> "Tensor":
        return _tensor(other) * self

    def __rsub__(self, other: Operand) -> "Tensor":
        return _tensor(other) - self

    def __rtruediv__(self, other: Operand) -> "Tensor":
        return _tensor(other) / self

    # Functions of one operand.

    def exp(self) -> "Tensor":
        out = np.exp(self.data)
        return _made("exp", out, (self,), lambda g: (g * out,))

    def log(self) -> "Tensor":
        return _made("log", np.log(self.data), (self,), lambda g: (g / self.data,))

    def tanh(self) -> "Tensor":
        out = np.tanh(self.data)
        return _made("tanh", out, (self,), lambda g: (g * (1 - out**2),))

    def sigmoid(self) -> "Tensor":
        out = np.exp(-np.logaddexp(0, -self.data))  # 1/(1+e⁻ˣ), without overflow
        return _made("sigmoid", out, (self,), lambda g: (g * out * (1 - out),))

    def relu(self) -> "Tensor":
        return _made("relu", np.maximum(self.data, 0), (self,), lambda g: (g * (self.data > 0),))

    # Matrices and shapes.

    def __matmul__(self, other: Operand) -> "Tensor":
        """(…, n, k) @ (…, k, m); axes before the last two are broadcast."""
        other = _tensor(other)

        def pull(g: Array) -> tuple[Array, ...]:
            return g @ np.swapaxes(other.data, -1, -2), np.swapaxes(self.data, -1, -2) @ g

        return _made("@", self.data @ other.data, (self, other), pull)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        def pull(g: Array) -> tuple[Array, ...]:
            if axis is not None and not keepdims:
                g = np.expand_dims(g, axis)
            return (np.broadcast_to(g, self.shape),)

        return _made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self,), pull)

    def mean(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        count = self.data.size if axis is None else self.shape[axis]
        return self.sum(axis, keepdims) / count

    def reshape(self, *shape: int) -> "Tensor":
        return _made("reshape", self.data.reshape(shape), (self,), lambda g: (g.reshape(self.shape),))

    def __getitem__(self, index: Any) -> "Tensor":
        """Also rows by their numbers, which is what an embedding does."""

        def pull(g: Array) -> tuple[Array, ...]:
            spread = np.zeros_like(self.data)
            np.add.at(spread, index, g)  # an element taken twice gets both gradients
            return (spread,)

        return _made("[]", self.data[index], (self,), pull)

    # Probabilities.

    def softmax(self) -> "Tensor":
        """Along the last axis."""
        out = np.exp(_log_softmax(self.data))
        return _made("softmax", out, (self,), lambda g: (out * (g - (g * out).sum(-1, keepdims=True)),))

    def cross_entropy(self, targets: npt.ArrayLike) -> "Tensor":
        """Mean −log p(target) in nats of these logits (n, classes); targets (n,) are class numbers."""
        log_p, rows = _log_softmax(self.data), np.arange(len(self.data))
        targets = np.asarray(targets)

        def pull(g: Array) -> tuple[Array, ...]:
            off = np.exp(log_p)
            off[rows, targets] -= 1  # what was predicted, minus what is so
            return (g * off / len(rows),)

        return _made("cross-entropy", -log_p[rows, targets].mean(), (self,), pull)

    # Backwards.

    def backward(self) -> None:
        """Set `grad` of everything this number was made from. Leaves add to what they have, as in torch."""
        for _ in self.backward_steps():
            pass

    def backward_steps(self) -> Iterator["Tensor"]:
        """The same a node at a time: yields each after it has passed its gradient on.

        Raises ValueError if this is not a single number: only a number has a gradient.
        """
        if self.data.size != 1:
            raise ValueError(f"backward starts from one number, and this has the shape {self.shape}; sum() it first")
        nodes = self.graph()
        for node in nodes:
            if node.parents or node.grad is None:
                node.grad = np.zeros_like(node.data)
        self.grad = np.ones_like(self.data)  # ∂L/∂L
        for node in reversed(nodes):
            if node.pull is not None and node.grad is not None:
                for parent, gradient in zip(node.parents, node.pull(node.grad), strict=True):
                    assert parent.grad is not None
                    parent.grad = np.asarray(parent.grad + as_before_broadcasting(gradient, parent.shape))
            yield node

    def graph(self) -> list["Tensor"]:
        """Everything this was made from and itself at the end, each after its parents."""
        done: dict[int, Tensor] = {}
        waiting = [self]
        while waiting:
            node = waiting[-1]
            missing = [parent for parent in node.parents if id(parent) not in done]
            if missing:
                waiting += reversed(missing)
            else:
                done.setdefault(id(waiting.pop()), node)
        return list(done.values())


def _tensor(value: Operand) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value)


def _made(operation: str, data: npt.ArrayLike, parents: tuple[Tensor, ...], pull: Pull) -> Tensor:
    return Tensor(data, operation=operation, parents=parents, pull=pull)


def as_before_broadcasting(gradient: Array, shape: tuple[int, ...]) -> Array:
    """What broadcasting repeated, its gradient sums: an element that was used n times has n gradients."""
    gradient = np.asarray(gradient)
    added = gradient.ndim - len(shape)
    stretched = [axis + added for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis + added] != 1]
    return np.asarray(gradient.sum(axis=(*range(added), *stretched))).reshape(shape)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
