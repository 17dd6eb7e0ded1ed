"""Proofs about gradients and optimisers."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmlab.course.proof import Measured, Proof
from llmlab.course.proofs.chance import drawn, normal


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# 9: Adam's moments begin at zero and are corrected for it.
def _first_step(*, corrected: bool) -> Measured:
    lr, beta1, beta2, g = 0.001, 0.9, 0.999, 2.0
    m, v = (1 - beta1) * g, (1 - beta2) * g**2
    if corrected:
        m, v = m / (1 - beta1), v / (1 - beta2)
    ours = lr * m / v**0.5
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    adam = torch.optim.Adam([weight], lr=lr)
    weight.grad = torch.tensor(g, dtype=torch.float64)
    adam.step()
    return {"step_over_torchs": ours / -float(weight.detach())}


# 10: an error comes back along every connection.
def _delta(rule: str) -> Measured:
    x, w1, w2, target = _random(4, 5), _random(5, 6, seed=1), _random(6, 3, seed=2), _random(4, 3, seed=3)
    w1.requires_grad_()
    z = x @ w1
    y = torch.tanh(z) @ w2
    ((y - target) ** 2).sum().div(2).backward()
    slope, error = 1 - torch.tanh(z.detach()) ** 2, (y - target).detach()
    # "one": the product of three partial derivatives along a single connection
    delta = slope * (error @ w2.T) if rule == "all" else slope * error[:, :1] * w2[:, 0]
    assert w1.grad is not None
    return {"error": float((x.T @ delta - w1.grad).abs().max() / w1.grad.abs().max())}


# 11: the derivative of the activation enters once.
def _weight_gradient(*, slope_again: bool) -> Measured:
    x, w = _random(8, 5), _random(5, 3, seed=1).requires_grad_()
    z = x @ w
    a = torch.sigmoid(z)
    dz = torch.autograd.grad((a**2).sum(), z, retain_graph=True)[0]
    truth = torch.autograd.grad((a**2).sum(), w)[0]
    slope = (a * (1 - a)).detach()
    ours = x.T @ (dz * slope if slope_again else dz)
    return {"error": float((ours - truth).abs().max() / truth.abs().max())}


# 14: what reaches a recurrent network from far away.
def _far_over_near(kind: str, distance: int = 60) -> Measured:
    x = normal(1, distance + 1, 16).requires_grad_()
    if kind == "rnn":
        y = drawn(nn.RNN(16, 16, batch_first=True), std=0.15, seed=1)(x)[0][0, -1]
    else:
        y = F.scaled_dot_product_attention(x[:, -1:], x, x)[0, 0]
    gradient = torch.autograd.grad(y.square().sum(), x)[0][0].norm(dim=-1)
    return {"gradient_far_over_near": float(gradient[0] / gradient[-2])}


# 20: computing a loss changes nothing.
def _weights_move(*, step: bool) -> Measured:
    model = drawn(nn.Linear(4, 3))
    before = model.weight.detach().clone()
    loss = F.cross_entropy(model(normal(8, 4)), torch.arange(8) % 3)
    if step:
        loss.backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()
    return {"weights_move": float((model.weight.detach() - before).abs().max())}


# 30: the pseudo-code hands the weights' gradient upstream.
def _layers_right(*, hands_up: str) -> Measured:
    weights = [_random(4, 4, seed=n).requires_grad_() for n in range(3)]
    inputs, x = [], _random(4, 4, seed=9)
    for w in weights:
        inputs.append(x)
        x = torch.tanh(x @ w)
    truth = torch.autograd.grad(x.square().sum() / 2, weights)
    upstream, right = x.detach(), 0
    for index in (2, 1, 0):
        inside = inputs[index].detach() @ weights[index].detach()
        dz = upstream * (1 - torch.tanh(inside) ** 2)
        dw = inputs[index].detach().T @ dz
        right += bool(torch.allclose(dw, truth[index], atol=1e-10))
        upstream = dz @ weights[index].detach().T if hands_up == "inputs" else dw
    return {"layers_right_of_3": float(right)}


# 32: squared error saturates where the model is confidently wrong.
def _confident_error(loss: Callable[[Tensor, Tensor], Tensor]) -> Measured:
    logit = torch.tensor([-10.0], requires_grad=True)
    loss(logit, torch.tensor([1.0])).backward()
    assert logit.grad is not None
    return {"gradient": float(logit.grad.abs())}


# 39: the gradient of two halves is that of the whole.
def _halves(*, different: bool) -> Measured:
    w = _random(5).requires_grad_()
    x, y = _random(8, 5, seed=1), _random(8, seed=2)

    def gradient(rows: slice) -> Tensor:
        return torch.autograd.grad(((x[rows] @ w - y[rows]) ** 2).mean(), w)[0]

    two = (gradient(slice(0, 4)) + gradient(slice(4, 8))) / 2
    if different:
        two = gradient(slice(0, 4))  # if sharing changed what is learnt: each learns from its own half
    return {"difference": float((two - gradient(slice(0, 8))).abs().max())}


# 45: Adam's path does not change when a coordinate is measured in other units.
def _units(make: Callable[[list[nn.Parameter]], torch.optim.Optimizer]) -> Measured:
    def path(scale: float) -> Tensor:
        w = nn.Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))
        optimizer = make([w])
        factors, places = torch.tensor([1.0, scale], dtype=torch.float64), []
        for _ in range(20):
            optimizer.zero_grad()
            (factors * (w - 3) ** 2).sum().backward()
            optimizer.step()
            places.append(w.detach().clone())
        return torch.stack(places)

    return {"path_moves": float((path(1.0) - path(10.0)).abs().max())}


PROOFS = {
    9: Proof(
        check=lambda m: abs(m["step_over_torchs"] - 1) < 1e-4,
        says={"en": "The first step is as long as that of torch's Adam.", "zh": "第一步的长度与 torch 的 Adam 相同。"},
        real=lambda: _first_step(corrected=True),
        claimed=lambda: _first_step(corrected=False),
    ),
    10: Proof(
        check=lambda m: m["error"] < 1e-10,
        says={"en": "The rule gives the gradient that autograd gives.", "zh": "该规则与自动求导的梯度一致。"},
        real=lambda: _delta("all"),
        claimed=lambda: _delta("one"),
    ),
    11: Proof(
        check=lambda m: m["error"] < 1e-10,
        says={"en": "The formula gives the gradient that autograd gives.", "zh": "该公式与自动求导的梯度一致。"},
        real=lambda: _weight_gradient(slope_again=False),
        claimed=lambda: _weight_gradient(slope_again=True),
    ),
    14: Proof(
        check=lambda m: m["gradient_far_over_near"] < 1e-3,
        says={
            "en": "Of the gradient from 60 steps back, less than a thousandth of that from one step back arrives.",
            "zh": "来自 60 步之前的梯度，不足一步之前的千分之一。",
        },
        real=lambda: _far_over_near("rnn"),
        claimed=lambda: _far_over_near("attention"),
    ),
    20: Proof(
        check=lambda m: m["weights_move"] == 0,
        says={"en": "The weights are the same afterwards.", "zh": "之后权重没有任何变化。"},
        real=lambda: _weights_move(step=False),
        claimed=lambda: _weights_move(step=True),
    ),
    30: Proof(
        check=lambda m: m["layers_right_of_3"] == 3,
        says={"en": "All three layers get the right gradient.", "zh": "三层都得到了正确的梯度。"},
        real=lambda: _layers_right(hands_up="inputs"),
        claimed=lambda: _layers_right(hands_up="weights"),
    ),
    32: Proof(
        check=lambda m: m["gradient"] > 0.9,
        says={
            "en": "A model that is confidently wrong gets a strong gradient.",
            "zh": "当模型确信却错了时，仍能得到足够大的梯度。",
        },
        real=lambda: _confident_error(F.binary_cross_entropy_with_logits),
        claimed=lambda: _confident_error(lambda z, y: (torch.sigmoid(z) - y).square().mean()),
    ),
    39: Proof(
        check=lambda m: m["difference"] < 1e-12,
        says={
            "en": "Two processes with half the batch each learn what one learns from all of it.",
            "zh": "两个进程各用一半批次，学到的与一个进程用整批完全相同。",
        },
        real=lambda: _halves(different=False),
        claimed=lambda: _halves(different=True),
    ),
    45: Proof(
        check=lambda m: m["path_moves"] < 1e-6,
        says={
            "en": "Making one coordinate ten times as steep leaves the path where it was.",
            "zh": "把一个坐标变陡十倍，优化路径不变。",
        },
        real=lambda: _units(lambda w: torch.optim.Adam(w, lr=0.1, eps=1e-12)),
        claimed=lambda: _units(lambda w: torch.optim.SGD(w, lr=0.01, momentum=0.9)),
    ),
}
