"""The operations of which a model's layers are made, each for one number: its formula, what goes into it, the result in
float64, and a line of code that asserts it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llmlab.nn.norms import RMSNorm


@dataclass(frozen=True)
class Given:
    """Numbers that a computation starts from, and the code that takes them from the model or its trace."""

    values: Tensor
    """(n,) or (), float64."""
    code: str


@dataclass(frozen=True)
class Worked:
    """One number worked out."""

    formula: str
    """LaTeX."""
    operands: Sequence[tuple[str, Tensor]]
    """LaTeX of their names, and what they are."""
    value: Tensor
    """()"""
    lines: Sequence[str]
    """Code that does the same, the last line of which asserts that it came to what was `shown`."""


def looked_up(name: str, row: int, j: int, table: Given, shown: str) -> Worked:
    """A number of a row of a table."""
    lines = [_asserted(f"{table.code}[{row}, {j}]", shown)]
    return Worked(rf"{name}[{row}, {j}]", [(rf"{name}[{row}]", table.values)], table.values[j], lines)


def added(parts: Sequence[tuple[str, Given]], shown: str) -> Worked:
    """A sum of named numbers."""
    total = torch.stack([given.values for _, given in parts]).sum()
    lines = [_asserted(" + ".join(given.code for _, given in parts), shown)]
    return Worked(
        " + ".join(symbol for symbol, _ in parts), [(symbol, given.values) for symbol, given in parts], total, lines
    )


def normed(x: Given, j: int, norm: Any, code: str, shown: str) -> Worked:
    """A number of a vector after RMSNorm (Zhang and Sennrich 2019) or LayerNorm (Ba et al. 2016)."""
    v, gain = x.values, norm.weight[j].double()
    operands = [("x", v), (rf"g_{{{j}}}", gain)]
    if isinstance(norm, RMSNorm):
        value = v[j] / (v.square().mean() + norm.eps).sqrt() * gain
        formula = rf"\frac{{x_{{{j}}}}}{{\sqrt{{\overline{{x^2}} + \varepsilon}}}}\, g_{{{j}}}"
        expression = f"x[{j}] / (x.square().mean() + {code}.eps).sqrt() * {code}.weight[{j}]"
    else:
        value = (v[j] - v.mean()) / (v.var(unbiased=False) + norm.eps).sqrt() * gain
        formula = rf"\frac{{x_{{{j}}} - \bar x}}{{\sqrt{{\operatorname{{Var}} x + \varepsilon}}}}\, g_{{{j}}}"
        expression = f"(x[{j}] - x.mean()) / (x.var(unbiased=False) + {code}.eps).sqrt() * {code}.weight[{j}]"
        if norm.bias is not None:
            value = value + norm.bias[j].double()
            operands.append((rf"b_{{{j}}}", norm.bias[j]))
            formula, expression = rf"{formula} + b_{{{j}}}", f"{expression} + {code}.bias[{j}]"
    return Worked(formula, operands, value, [f"x = {x.code}", _asserted(expression, shown)])


def linear(x: Given, row: int, module: Any, code: str, shown: str, *, name: str = "x") -> Worked:
    """A number of what a linear map makes of a vector: the vector times one row of the map's weights."""
    w = module.weight[row].double()
    written = {"x": r"\sum_i x_i\, w_i", "o": r"\sum_i [o_1; \dots; o_h]_i\, w_i"}[name]
    value, expression, operands = x.values @ w, f"{name} @ w", [(name, x.values), ("w", w)]
    if module.bias is not None:
        value, expression = value + module.bias[row].double(), f"{expression} + {code}.bias[{row}]"
        written += " + b"
        operands.append(("b", module.bias[row]))
    return Worked(
        written, operands, value, [f"{name} = {x.code}", f"w = {code}.weight[{row}]", _asserted(expression, shown)]
    )


def rotated(letter: str, x: Given, j: int, position: int, rotary: Any, shown: str) -> Worked:
    """A number of a query or key turned by its position (Su et al. 2021); pairs are half a head apart."""
    v, half = x.values, len(x.values) // 2
    i, partner, sign = j % half, (j + half) % (2 * half), "-" if j < half else "+"
    cos, sin = rotary.cos[position, i].double(), rotary.sin[position, i].double()
    value = v[j] * cos - v[partner] * sin if j < half else v[j] * cos + v[partner] * sin
    lines = [
        f"x, cos, sin = {x.code}, model.rotary.cos[{position}, {i}], model.rotary.sin[{position}, {i}]",
        _asserted(f"x[{j}] * cos {sign} x[{partner}] * sin", shown),
    ]
    operands = [
        (rf"{letter}_{{{j}}}", v[j]),
        (rf"{letter}_{{{partner}}}", v[partner]),
        (r"\cos\varphi", cos),
        (r"\sin\varphi", sin),
    ]
    formula = rf"{letter}_{{{j}}} \cos\varphi {sign} {letter}_{{{partner}}} \sin\varphi"
    return Worked(formula, operands, value, lines)


def score(t: int, s: int, q: Given, k: Given, shown: str) -> Worked:
    """How well a query and a key agree, over the root of their length (Vaswani et al. 2017, equation 1)."""
    d = len(q.values)
    lines = [f"q, k = {q.code}, {k.code}", _asserted(f"q @ k / {d}**0.5", shown)]
    formula = rf"\frac{{q_{{{t}}} \cdot k_{{{s}}}}}{{\sqrt{{{d}}}}}"
    return Worked(formula, [("q", q.values), ("k", k.values)], q.values @ k.values / math.sqrt(d), lines)


def masked(t: int, s: int, before: Given, *, allowed: bool, shown: str) -> Worked:
    """A score, or −∞ where the mask forbids to look."""
    inside = before.code if allowed else 'torch.tensor(float("-inf"))'
    value = before.values if allowed else torch.tensor(-math.inf)
    name = rf"S_{{{t},{s}}}"
    return Worked(name if allowed else r"-\infty", [(name, before.values)], value, [_asserted(inside, shown)])


def share(letter: str, place: int, scores: Given, shown: str) -> Worked:
    """One number of a softmax."""
    powers = (scores.values - scores.values.max()).exp()
    lines = [f"{letter} = {scores.code}", _asserted(f"{letter}[{place}].exp() / {letter}.exp().sum()", shown)]
    formula = rf"\frac{{e^{{{letter}_{{{place}}}}}}}{{\sum_r e^{{{letter}_r}}}}"
    return Worked(formula, [(letter, scores.values)], powers[place] / powers.sum(), lines)


def mixed(j: int, weights: Given, values: Given, shown: str) -> Worked:
    """One number of the values, mixed by the weights."""
    lines = [f"A, v = {weights.code}, {values.code}", _asserted("A @ v", shown)]
    operands = [("A", weights.values), ("v", values.values)]
    return Worked(rf"\sum_s A_s\, v_{{s,{j}}}", operands, weights.values @ values.values, lines)


def gelu(h: Given, approximate: str, shown: str) -> Worked:
    """Hendrycks and Gimpel 2016; `approximate` is torch's word for GPT-2's form with tanh."""
    value = nn.functional.gelu(h.values, approximate=approximate)
    expression = f'torch.nn.functional.gelu({h.code}, approximate="{approximate}")'
    return Worked(r"\operatorname{GELU}(h)", [("h", h.values)], value, [_asserted(expression, shown)])


def gated(gate: Given, up: Given, shown: str) -> Worked:
    """SwiGLU (Shazeer 2020)."""
    g, u = gate.values, up.values
    lines = [f"g, u = {gate.code}, {up.code}", _asserted("g * torch.sigmoid(g) * u", shown)]
    return Worked(r"g\, \sigma(g)\, u", [("g", g), ("u", u)], g * torch.sigmoid(g) * u, lines)


def laid_out(odds: Given, place: int, shown: str) -> Worked:
    """Probabilities laid end to end: where the share of one of them ends."""
    lines = [f"p = {odds.code}", _asserted(f"p[: {place + 1}].sum()", shown)]
    formula = rf"\sum_{{i \le {place}}} p_i"
    kept = odds.values[: place + 1]
    return Worked(formula, [("p", kept)], kept.sum(), lines)


def _asserted(expression: str, shown: str) -> str:
    return f"torch.testing.assert_close({expression}, {shown}, rtol=1e-4, atol=1e-4)"
