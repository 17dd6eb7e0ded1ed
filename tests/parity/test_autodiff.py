"""The written-out engine and optimisers beside torch's own: values and gradients of random graphs, paths of weights."""

import numpy as np
import pytest
import torch

from llmlab.autodiff import Tensor
from llmlab.autodiff.optimisers import SGD, Adam, AdamW, Momentum, Muon, Nesterov, Optimiser, orthogonal
from llmlab.autodiff.surfaces import SURFACES, race

EXACT = 1e-10
UNARY = ("tanh", "sigmoid", "relu", "softmax", "exp_of_tanh", "log_of_softmax", "square", "transpose", "rows", "mean")
BINARY = ("+", "-", "*", "/", "@")
SHAPES = ((3, 3), (3, 1), (1, 3), (3,), (2, 3, 3), (1,), (2, 1, 3))


def unary(name, x):
    """One function for both engines: their methods have the same names."""
    softmax = (lambda t: t.softmax()) if isinstance(x, Tensor) else (lambda t: t.softmax(-1))
    return {
        "tanh": lambda: x.tanh(),
        "sigmoid": lambda: x.sigmoid(),
        "relu": lambda: x.relu(),
        "softmax": lambda: softmax(x),
        "exp_of_tanh": lambda: x.tanh().exp(),
        "log_of_softmax": lambda: softmax(x).log(),
        "square": lambda: x**2,
        "transpose": lambda: (x.T if isinstance(x, Tensor) else x.mT) if len(x.shape) > 1 else -x,
        "rows": lambda: x[[0, 0, -1]],
        "mean": lambda: x - x.mean(-1, True),
    }[name]()


def binary(name, a, b):
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / (b**2 + 1.5),
        "@": lambda: a @ b,
    }[name]()


def fits(name, a, b):
    try:
        joined = np.broadcast_shapes(a, b)
        if name == "@":
            return min(len(a), len(b)) > 1 and a[-1] == b[-2] and np.broadcast_shapes(a[:-2], b[:-2]) is not None
    except ValueError:
        return False
    return np.prod(joined) < 200


def random_graph(seed):
    """A program of some 25 operations on leaves of many shapes, as (operation, operands); results are used again."""
    random = np.random.default_rng(seed)
    leaves = [random.normal(size=shape) for shape in SHAPES]
    shapes, program = [leaf.shape for leaf in leaves], []
    while len(program) < 25:
        if random.random() < 0.5:
            operation, operands = str(random.choice(UNARY)), [int(random.integers(len(shapes)))]
        else:
            operation, operands = str(random.choice(BINARY)), [int(i) for i in random.integers(len(shapes), size=2)]
            if not fits(operation, *(shapes[i] for i in operands)):
                continue
        found = apply(operation, [Tensor(np.zeros(shapes[i])) for i in operands])
        shapes.append(found.shape)
        program.append((operation, operands))
    return leaves, program


def apply(operation, operands):
    return unary(operation, *operands) if len(operands) == 1 else binary(operation, *operands)


def run(leaves, program):
    nodes = list(leaves)
    for operation, operands in program:
        nodes.append(apply(operation, [nodes[i] for i in operands]))
    total = nodes[0].sum()
    for node in nodes[1:]:
        total = total + node.tanh().sum()
    return total


@pytest.mark.parametrize("seed", range(12))
def test_a_random_graph(seed):
    leaves, program = random_graph(seed)
    ours = [Tensor(leaf) for leaf in leaves]
    theirs = [torch.tensor(leaf, requires_grad=True) for leaf in leaves]
    loss, expected = run(ours, program), run(theirs, program)
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), abs=EXACT, rel=EXACT)
    for leaf, other in zip(ours, theirs, strict=True):
        assert other.grad.abs().max() > 0
        np.testing.assert_allclose(leaf.grad, other.grad.numpy(), atol=EXACT, rtol=EXACT)


def test_a_network_with_embedding_and_cross_entropy():
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape) for shape in ((7, 4), (8, 5), (1, 5), (5, 7))]
    ids, targets = random.integers(7, size=(6, 2)), random.integers(7, size=6)

    def logits(table, w1, b, w2):
        return (table[ids].reshape(6, 8) @ w1 + b).tanh() @ w2

    ours, theirs = [Tensor(w) for w in weights], [torch.tensor(w, requires_grad=True) for w in weights]
    loss = logits(*ours).cross_entropy(targets)
    expected = torch.nn.functional.cross_entropy(logits(*theirs), torch.tensor(targets))
    for _ in range(2):  # the second time gradients add up, as torch's do
        loss.backward()
        expected.backward(retain_graph=True)
        for ours_w, theirs_w in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(ours_w.grad, theirs_w.grad.numpy(), atol=EXACT)
    assert loss.item() == pytest.approx(expected.item(), abs=EXACT)


def test_numbers_so_large_that_a_naive_formula_overflows():
    found = Tensor([[1000.0, -1000.0]])
    assert found.cross_entropy([1]).item() == 2000.0
    np.testing.assert_allclose(found.sigmoid().data, [[1.0, 0.0]])


def follow(optimiser: Optimiser, start, gradients):
    w, path = start, []
    for g in gradients:
        w = optimiser.step(w, g)
        path.append(w)
    return np.stack(path)


def follow_torch(make, start, gradients):
    w, path = torch.nn.Parameter(torch.tensor(start)), []
    optimiser = make([w])
    for g in gradients:
        w.grad = torch.tensor(g)
        optimiser.step()
        path.append(w.detach().numpy().copy())
    return np.stack(path)


START = np.random.default_rng(4).normal(size=(6, 4))
GRADIENTS = np.random.default_rng(5).normal(size=(60, 6, 4)) * [3, 1, 0.1, 0.003]
SAME = {
    "sgd": (SGD(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (Momentum(0.05), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "nesterov": (Nesterov(0.05), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    "adam": (Adam(0.05), lambda p: torch.optim.Adam(p, lr=0.05)),
    "adamw": (AdamW(0.05, 0.1), lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", SAME)
def test_an_optimiser_goes_torchs_way(name):
    ours, make = SAME[name]
    np.testing.assert_allclose(follow(ours, START, GRADIENTS), follow_torch(make, START, GRADIENTS), atol=1e-12)


def test_adam_without_correction_is_adam_with_longer_first_steps():
    plain = follow(Adam(0.05, eps=0.0, bias_correction=False), START, GRADIENTS)
    steps = np.diff(plain, axis=0, prepend=START[None])
    corrected = np.diff(follow_torch(lambda p: torch.optim.Adam(p, lr=0.05, eps=0.0), START, GRADIENTS), axis=0)
    t = np.arange(1, 61)
    ratio = (1 - 0.9**t) / np.sqrt(1 - 0.999**t)
    np.testing.assert_allclose(steps[1:], corrected * ratio[1:, None, None], rtol=1e-6)
    assert ratio[0] == pytest.approx(3.162, abs=1e-3)
    assert ratio.argmax() + 1 == 12
    assert ratio.max() == pytest.approx(6.6, abs=0.05)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (1, 2)])
def test_muon_goes_torchs_way_within_its_bfloat16(shape):
    random = np.random.default_rng(6)
    start, gradients = random.normal(size=shape), random.normal(size=(10, *shape))
    ours = follow(Muon(0.02, weight_decay=0.1), start, gradients)
    theirs = follow_torch(lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.1), start, gradients)
    np.testing.assert_allclose(ours, theirs, atol=10 * 0.02 * 2**-6)  # ten steps, each off by bfloat16's rounding
    assert np.abs(theirs - start).max() > 0.05


def test_orthogonal_makes_singular_values_about_one():
    found = np.linalg.svd(orthogonal(np.random.default_rng(7).normal(size=(8, 5))), compute_uv=False)
    assert found.min() > 0.6
    assert found.max() < 1.3


def test_a_race_is_what_torch_runs_on_torchs_gradients():
    rosenbrock = SURFACES["rosenbrock"]
    rates = {"gd": 0.001, "nesterov": 0.0005, "adam": 0.05}
    paths, losses = race(rosenbrock, rates, start=(-1.2, 1.8), steps=40)
    makers = {
        "gd": lambda p: torch.optim.SGD(p, lr=0.001),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.0005, momentum=0.9, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, lr=0.05),
    }
    for path, loss, name in zip(paths, losses, rates, strict=True):
        w = torch.tensor([-1.2, 1.8], dtype=torch.float64, requires_grad=True)
        optimiser = makers[name]([w])
        for step in range(41):
            optimiser.zero_grad()
            value = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
            value.backward()
            np.testing.assert_allclose(path[step], w.detach().numpy(), atol=1e-9)
            assert loss[step] == pytest.approx(value.item(), rel=1e-9)
            optimiser.step()


def test_on_examples_all_but_gradient_descent_see_the_same_few():
    noisy = SURFACES["noisy"]
    (gd, sgd, again), _ = race(noisy, {"gd": 0.1, "sgd": 0.1, "muon": 0.1}, start=noisy.start, steps=3)
    w = torch.tensor(noisy.start, dtype=torch.float64, requires_grad=True)
    x, y = torch.tensor(noisy.examples).T
    ((w[0] * x + w[1] - y) ** 2).mean().backward()
    np.testing.assert_allclose(gd[1], (w - 0.1 * w.grad).detach().numpy(), atol=1e-12)
    assert np.abs(sgd[1] - gd[1]).max() > 1e-3
    turned = np.cross(np.append(sgd[1] - sgd[0], 0), np.append(again[1] - again[0], 0))
    np.testing.assert_allclose(turned, 0, atol=1e-9)  # Muon's first step goes where SGD's does, at its own length
