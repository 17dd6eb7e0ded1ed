"""One sentence through a model, number by number: each step of a layer as a matrix, and each of its numbers as a
formula with the values that go into it, computed again from them.

What is shown comes from a trace; what is computed again comes from the operands, in float64.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from llmlab.models.bert import Bert
from llmlab.models.gpt import GPT
from llmlab.models.trace import Trace
from llmlab.nn.norms import RMSNorm

LISTED = 24
"""How many tokens of the vocabulary are columns of the last two steps: the likeliest after the last position."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One matrix on the way."""

    name: str
    """Its name in the trace, "layers.0.attention.q"; "probabilities" for what softmax makes of the logits."""
    kind: str
    """What it is, "q" or "scores": the key of its title."""
    values: Tensor
    """(rows, columns); rows are positions."""
    columns: str
    """dimension, token or vocabulary."""
    formula: str
    """LaTeX of the whole matrix."""


@dataclass(frozen=True, kw_only=True)
class Operand:
    """Numbers that go into a result."""

    name: str
    """LaTeX."""
    values: Tensor
    """(n,) or (1,)"""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One number of a step."""

    formula: str
    """LaTeX of this number."""
    operands: tuple[Operand, ...]
    shown: float
    """As the trace holds it."""
    computed: float
    """Computed again from the operands."""
    code: str
    """Lines that compute it again and assert that it is the same, given `model` and `t`, its trace."""


class Walkthrough:
    """The way through one layer and one head of a model, for the first text of a trace."""

    def __init__(self, model: GPT | Bert, trace: Trace, *, layer: int, head: int) -> None:
        self.trace, self.layer, self.head = trace, layer, head
        # The two families differ in their parts; each rule below is for the one that has them.
        self.model = cast(Any, model)
        self.block = self.model.blocks[layer]
        self.attention = self.block.attention
        self.kv_head = head // (self.attention.n_heads // self.attention.n_kv_heads)

    @cached_property
    def vocabulary(self) -> list[int]:
        """The token ids that are the columns of logits and probabilities."""
        if "logits" not in self.trace:
            return []
        logits = self.trace.logits[0, -1]
        return [int(i) for i in logits.topk(min(LISTED, len(logits))).indices]

    @cached_property
    def steps(self) -> list[Step]:
        """Every step that this model takes, in order."""
        inside = f"layers.{self.layer}."
        kinds = [
            *(("", name) for name in ("token_embedding", "position_embedding", "segment_embedding", "added_embedding")),
            ("", "embedding"),
            *((f"{inside}attention.", name) for name in _ATTENTION),
            *((f"{inside}feed_forward.", name) for name in _FEED_FORWARD),
            ("", "final_norm"),
            *(("mlm_head.", name) for name in ("hidden", "activation", "normed")),
            ("", "logits"),
        ]
        found = [self._step(place + name, name) for place, name in kinds if place + name in self.trace]
        if "logits" in self.trace:
            odds = self.trace.logits[0].softmax(-1)[:, self.vocabulary]
            formula = r"p = \operatorname{softmax}(z)"
            found.append(
                Step(name="probabilities", kind="probabilities", values=odds, columns="vocabulary", formula=formula)
            )
        return found

    def _step(self, name: str, kind: str) -> Step:
        entry = self.trace[name]
        value, columns = entry.value[0], "dimension"
        if "head" in entry.axes or "kv_head" in entry.axes:
            value = value[self.kv_head if "kv_head" in entry.axes else self.head]
        if entry.axes[-1] == "key":
            columns = "token"
        if entry.axes[-1] == "vocab":
            value, columns = value[:, self.vocabulary], "vocabulary"
        where = "ff_" if ".feed_forward." in name else "mlm_" if name.startswith("mlm_head.") else ""
        return Step(name=name, kind=where + kind, values=value.float(), columns=columns, formula=entry.formula)

    def explain(self, name: str, row: int, column: int) -> Explained:
        """One number of a step: `row` is a position, `column` what the step's columns count.

        Raises KeyError for a step that this model does not take, IndexError for a place outside of it.
        """
        step = next((step for step in self.steps if step.name == name), None)
        if step is None:
            raise KeyError(name)
        shown = float(step.values[row, column])
        formula, operands, computed, lines = self._rule(step)(row, column)
        return Explained(
            formula=formula,
            operands=tuple(Operand(name=n, values=v.detach().float().reshape(-1)) for n, v in operands),
            shown=shown,
            computed=float(computed.detach()),
            code="\n".join(lines),
        )

    def _rule(self, step: Step) -> "Rule":
        place, _, kind = step.name.rpartition(".")
        rules: dict[str, Rule] = {
            "token_embedding": lambda t, j: self._row("W_E", self.model.token_embedding, self._id(t), j, step.name, t),
            "position_embedding": lambda t, j: self._row("W_P", self.model.position_embedding, t, j, step.name, t),
            "segment_embedding": lambda t, j: self._row(
                "W_S", self.model.segment_embedding, self._segment(t), j, step.name, t
            ),
            "added_embedding": lambda t, j: self._sum(t, j, step.name, self._embeddings()),
            "embedding": lambda t, j: self._embedded(t, j),
            "scores": self._score,
            "masked_scores": self._masked,
            "weights": self._weight,
            "head_outputs": self._mixed,
            "q_rotated": lambda t, j: self._rotated("q", t, j),
            "k_rotated": lambda t, j: self._rotated("k", t, j),
            "final_norm": lambda t, j: self._norm(
                self._stream(), self.model.final_norm, "final_norm", "model.final_norm", t, j
            ),
            "logits": self._logit,
            "probabilities": self._probability,
        }
        if not place and kind in rules:
            return rules[kind]
        if place == "mlm_head":
            return self._of_mlm_head(kind)
        return self._of_feed_forward(kind) if place.endswith("feed_forward") else self._of_attention(kind, rules)

    def _of_attention(self, kind: str, rules: dict[str, "Rule"]) -> "Rule":
        if kind in rules:
            return rules[kind]
        place, code = f"layers.{self.layer}.attention.", f"model.blocks[{self.layer}].attention"
        before = "normed" if place + "normed" in self.trace else "residual_before"
        if kind == "normed":
            norm, norm_code = self.block.attention_norm, f"model.blocks[{self.layer}].attention_norm"
            return lambda t, j: self._norm(place + "residual_before", norm, place + "normed", norm_code, t, j)
        if kind in ("q", "k", "v"):
            names = {"q": "query", "k": "key", "v": "value"}
            module = getattr(self.attention, names[kind])
            first = (self.head if kind == "q" else self.kv_head) * self.attention.head_dim
            return lambda t, j: self._linear(
                place + before, module, f"{code}.{names[kind]}", first + j, place + kind, t, j
            )
        if kind in ("q_normed", "k_normed"):
            letter, word = kind[0], "query_norm" if kind[0] == "q" else "key_norm"
            norm = getattr(self.attention, word)
            return lambda t, j: self._norm(place + letter, norm, place + kind, f"{code}.{word}", t, j)
        if kind == "output":
            return self._attention_output
        return self._after("attention", kind)

    def _of_feed_forward(self, kind: str) -> "Rule":
        place, code = f"layers.{self.layer}.feed_forward.", f"model.blocks[{self.layer}].feed_forward"
        before = "normed" if place + "normed" in self.trace else "residual_before"
        part = self.block.feed_forward
        if kind == "normed":
            norm, norm_code = self.block.feed_forward_norm, f"model.blocks[{self.layer}].feed_forward_norm"
            return lambda t, j: self._norm(place + "residual_before", norm, place + "normed", norm_code, t, j)
        if kind in ("hidden", "gate", "up"):
            word = "up" if kind == "hidden" else kind
            return lambda t, j: self._linear(
                place + before, getattr(part, word), f"{code}.{word}", j, place + kind, t, j
            )
        if kind == "activation":
            return lambda t, j: self._activation(place, t, j)
        if kind == "output":
            return lambda t, j: self._linear(place + "activation", part.down, f"{code}.down", j, place + kind, t, j)
        return self._after("feed_forward", kind)

    def _of_mlm_head(self, kind: str) -> "Rule":
        head = self.model.mlm_head
        if kind == "hidden":
            return lambda t, j: self._linear(
                self._stream(), head.dense, "model.mlm_head.dense", j, "mlm_head.hidden", t, j
            )
        if kind == "activation":
            return lambda t, j: self._gelu("mlm_head.hidden", "mlm_head.activation", "none", t, j)
        return lambda t, j: self._norm("mlm_head.activation", head.norm, "mlm_head.normed", "model.mlm_head.norm", t, j)

    def _after(self, part: str, kind: str) -> "Rule":
        """What follows a part: the sum with the stream, and in BERT the norm of it."""
        place = f"layers.{self.layer}.{part}."
        if kind == "residual_after" and place + "added" in self.trace:
            norm, code = getattr(self.block, f"{part}_norm"), f"model.blocks[{self.layer}].{part}_norm"
            return lambda t, j: self._norm(place + "added", norm, place + kind, code, t, j)
        return lambda t, j: self._sum(t, j, place + kind, [place + "residual_before", place + "output"])

    def _at(self, name: str, row: int) -> Tensor:
        """One position's row of an entry, of this head where it has heads."""
        return next(s.values for s in self._all if s.name == name)[row]

    @cached_property
    def _all(self) -> list[Step]:
        extra = [f"layers.{self.layer}.{part}.residual_before" for part in ("attention", "feed_forward")]
        return [*self.steps, *(self._step(name, name) for name in (*extra, self._stream()) if name in self.trace)]

    def _code_at(self, name: str, *place: int | str) -> str:
        entry = self.trace[name]
        heads = [self.kv_head] if "kv_head" in entry.axes else [self.head] if "head" in entry.axes else []
        return f't["{name}"].value[' + ", ".join(map(str, [0, *heads, *place])) + "]"

    def _stream(self) -> str:
        return f"layers.{self.model.config.n_layers - 1}.feed_forward.residual_after"

    def _id(self, t: int) -> int:
        return int(self.trace.input_ids[0, t])

    def _segment(self, t: int) -> int:
        return int(self.trace.token_type_ids[0, t]) if self.trace.token_type_ids is not None else 0

    def _embeddings(self) -> list[str]:
        return [n for n in ("token_embedding", "segment_embedding", "position_embedding") if n in self.trace]

    def _row(self, name: str, table: Any, row: int, j: int, entry: str, t: int) -> "Ruled":
        value = table.weight[row, j].double()
        attribute = {"W_E": "token_embedding", "W_P": "position_embedding", "W_S": "segment_embedding"}[name]
        code = [_check(f"model.{attribute}.weight[{row}, {j}]", self._code_at(entry, t, j))]
        return rf"{name}[{row}, {j}]", [(rf"{name}[{row}]", table.weight[row])], value, code

    def _sum(self, t: int, j: int, name: str, parts: list[str]) -> "Ruled":
        values = [self._at(part, t)[j] for part in parts]
        symbols = [_SYMBOLS.get(part.rpartition(".")[2], "x") for part in parts]
        symbols = [rf"{symbol}_{{{t},{j}}}" for symbol in symbols]
        expression = " + ".join(self._code_at(part, t, j) for part in parts)
        code = [_check(expression, self._code_at(name, t, j))]
        total = torch.stack(values).double().sum()
        return " + ".join(symbols), list(zip(symbols, values, strict=True)), total, code

    def _embedded(self, t: int, j: int) -> "Ruled":
        if "added_embedding" in self.trace:
            norm = self.model.embedding_norm
            return self._norm("added_embedding", norm, "embedding", "model.embedding_norm", t, j)
        return self._sum(t, j, "embedding", self._embeddings())

    def _norm(self, source: str, norm: Any, name: str, code: str, t: int, j: int) -> "Ruled":
        x = self._at(source, t).double()
        gain = norm.weight[j].double()
        operands = [("x", x), (rf"g_{{{j}}}", gain)]
        lines = [f"x = {self._code_at(source, t)}"]
        if isinstance(norm, RMSNorm):
            y = x[j] / (x.square().mean() + norm.eps).sqrt() * gain
            formula = rf"\frac{{x_{{{j}}}}}{{\sqrt{{\overline{{x^2}} + \varepsilon}}}}\, g_{{{j}}}"
            expression = f"x[{j}] / (x.square().mean() + {code}.eps).sqrt() * {code}.weight[{j}]"
        else:
            y = (x[j] - x.mean()) / (x.var(unbiased=False) + norm.eps).sqrt() * gain
            formula = rf"\frac{{x_{{{j}}} - \bar x}}{{\sqrt{{\operatorname{{Var}} x + \varepsilon}}}}\, g_{{{j}}}"
            expression = f"(x[{j}] - x.mean()) / (x.var(unbiased=False) + {code}.eps).sqrt() * {code}.weight[{j}]"
            if norm.bias is not None:
                y = y + norm.bias[j].double()
                operands.append((rf"b_{{{j}}}", norm.bias[j]))
                formula, expression = rf"{formula} + b_{{{j}}}", f"{expression} + {code}.bias[{j}]"
        return formula, operands, y, [*lines, _check(expression, self._code_at(name, t, j))]

    def _linear(self, source: str, module: Any, code: str, out: int, name: str, t: int, j: int) -> "Ruled":
        x, w = self._at(source, t).double(), module.weight[out].double()
        y, formula, expression = x @ w, r"\sum_i x_i\, w_i", "x @ w"
        operands = [("x", x), ("w", w)]
        if module.bias is not None:
            y, formula, expression = y + module.bias[out].double(), formula + " + b", f"x @ w + {code}.bias[{out}]"
            operands.append(("b", module.bias[out]))
        lines = [f"x = {self._code_at(source, t)}", f"w = {code}.weight[{out}]"]
        return formula, operands, y, [*lines, _check(expression, self._code_at(name, t, j))]

    def _rotated(self, letter: str, t: int, j: int) -> "Ruled":
        place = f"layers.{self.layer}.attention."
        source = place + (f"{letter}_normed" if place + f"{letter}_normed" in self.trace else letter)
        x, half = self._at(source, t).double(), self.attention.head_dim // 2
        i = j % half
        cos, sin = (table[t, i].double() for table in (self.model.rotary.cos, self.model.rotary.sin))
        other = x[i + half] if j < half else x[i]
        sign = "-" if j < half else "+"
        y = x[j] * cos - other * sin if j < half else x[j] * cos + other * sin
        partner = i + half if j < half else i
        formula = rf"{letter}_{{{j}}} \cos\varphi {sign} {letter}_{{{partner}}} \sin\varphi"
        lines = [
            f"x, cos, sin = {self._code_at(source, t)}, model.rotary.cos[{t}, {i}], model.rotary.sin[{t}, {i}]",
            _check(f"x[{j}] * cos {sign} x[{partner}] * sin", self._code_at(place + f"{letter}_rotated", t, j)),
        ]
        operands = [
            (rf"{letter}_{{{j}}}", x[j]),
            (rf"{letter}_{{{partner}}}", other),
            (r"\cos\varphi", cos),
            (r"\sin\varphi", sin),
        ]
        return formula, operands, y, lines

    def _met(self, letter: str) -> str:
        place = f"layers.{self.layer}.attention."
        return next(place + n for n in (f"{letter}_rotated", f"{letter}_normed", letter) if place + n in self.trace)

    def _score(self, t: int, s: int) -> "Ruled":
        q, k = self._at(self._met("q"), t).double(), self._at(self._met("k"), s).double()
        name, d = f"layers.{self.layer}.attention.scores", self.attention.head_dim
        lines = [
            f"q, k = {self._code_at(self._met('q'), t)}, {self._code_at(self._met('k'), s)}",
            _check(f"q @ k / {d}**0.5", self._code_at(name, t, s)),
        ]
        return rf"\frac{{q_{{{t}}} \cdot k_{{{s}}}}}{{\sqrt{{{d}}}}}", [("q", q), ("k", k)], q @ k / math.sqrt(d), lines

    def _masked(self, t: int, s: int) -> "Ruled":
        place = f"layers.{self.layer}.attention."
        score, found = self._at(place + "scores", t)[s].double(), self._at(place + "masked_scores", t)[s]
        allowed = bool(found.isfinite())
        inside = self._code_at(place + "scores", t, s) if allowed else 'torch.tensor(float("-inf"))'
        formula = rf"S_{{{t},{s}}}" if allowed else r"-\infty"
        value = score if allowed else torch.tensor(-math.inf)
        return (
            formula,
            [(rf"S_{{{t},{s}}}", score)],
            value,
            [_check(inside, self._code_at(place + "masked_scores", t, s))],
        )

    def _weight(self, t: int, s: int) -> "Ruled":
        place = f"layers.{self.layer}.attention."
        scores = self._at(place + "masked_scores", t).double()
        y = (scores[s] - scores.max()).exp() / (scores - scores.max()).exp().sum()
        lines = [
            f"S = {self._code_at(place + 'masked_scores', t)}",
            _check(f"S[{s}].exp() / S.exp().sum()", self._code_at(place + "weights", t, s)),
        ]
        return rf"\frac{{e^{{S_{{{s}}}}}}}{{\sum_r e^{{S_r}}}}", [("S", scores)], y, lines

    def _mixed(self, t: int, j: int) -> "Ruled":
        place = f"layers.{self.layer}.attention."
        weights = self._at(place + "weights", t).double()
        values = next(s.values for s in self._all if s.name == place + "v")[:, j].double()
        lines = [
            f"A, v = {self._code_at(place + 'weights', t)}, {self._code_at(place + 'v', ':', j)}",
            _check("A @ v", self._code_at(place + "head_outputs", t, j)),
        ]
        return rf"\sum_s A_s\, v_{{s,{j}}}", [("A", weights), ("v", values)], weights @ values, lines

    def _attention_output(self, t: int, j: int) -> "Ruled":
        name = f"layers.{self.layer}.attention.head_outputs"
        heads = self.trace[name].value[0, :, t].flatten().double()
        module, code = self.attention.output, f"model.blocks[{self.layer}].attention.output"
        y, expression, operands = heads @ module.weight[j].double(), "o @ w", [("o", heads), ("w", module.weight[j])]
        formula = r"\sum_i [o_1; \dots; o_h]_i\, w_i"
        if module.bias is not None:
            y, expression, formula = y + module.bias[j].double(), f"o @ w + {code}.bias[{j}]", formula + " + b"
            operands.append(("b", module.bias[j]))
        lines = [f'o, w = t["{name}"].value[0, :, {t}].flatten(), {code}.weight[{j}]']
        shown = self._code_at(f"layers.{self.layer}.attention.output", t, j)
        return formula, operands, y, [*lines, _check(expression, shown)]

    def _activation(self, place: str, t: int, j: int) -> "Ruled":
        if place + "hidden" in self.trace:
            approximate = str(self.block.feed_forward.approximate)
            return self._gelu(place + "hidden", place + "activation", approximate, t, j)
        gate, up = self._at(place + "gate", t)[j].double(), self._at(place + "up", t)[j].double()
        lines = [
            f"g, u = {self._code_at(place + 'gate', t, j)}, {self._code_at(place + 'up', t, j)}",
            _check("g * torch.sigmoid(g) * u", self._code_at(place + "activation", t, j)),
        ]
        return r"g\, \sigma(g)\, u", [("g", gate), ("u", up)], gate * torch.sigmoid(gate) * up, lines

    def _gelu(self, source: str, name: str, approximate: str, t: int, j: int) -> "Ruled":
        h = self._at(source, t)[j].double()
        y = nn.functional.gelu(h, approximate=approximate)
        expression = f'torch.nn.functional.gelu({self._code_at(source, t, j)}, approximate="{approximate}")'
        return r"\operatorname{GELU}(h)", [("h", h)], y, [_check(expression, self._code_at(name, t, j))]

    def _logit(self, t: int, column: int) -> "Ruled":
        token = self.vocabulary[column]
        bert = isinstance(self.model, Bert)
        source, module = ("mlm_head.normed", self.model.mlm_head.decoder) if bert else ("final_norm", self.model.head)
        code = "model.mlm_head.decoder" if bert else "model.head"
        return self._linear(source, module, code, token, "logits", t, token)

    def _probability(self, t: int, column: int) -> "Ruled":
        token, z = self.vocabulary[column], self.trace.logits[0, t].double()
        lines = [
            f"z = {self._code_at('logits', t)}",
            _check(f"z[{token}].exp() / z.exp().sum()", f"z.softmax(-1)[{token}]"),
        ]
        y = (z[token] - z.max()).exp() / (z - z.max()).exp().sum()
        return rf"\frac{{e^{{z_{{{token}}}}}}}{{\sum_r e^{{z_r}}}}", [("z", z)], y, lines


Ruled = tuple[str, list[tuple[str, Tensor]], Tensor, list[str]]
"""LaTeX, operands, the number computed again, and code that does so."""
Rule = Callable[[int, int], Ruled]

_ATTENTION = (
    *("normed", "q", "k", "v", "q_normed", "k_normed", "q_rotated", "k_rotated", "scores", "masked_scores", "weights"),
    *("head_outputs", "output", "added", "residual_after"),
)
_FEED_FORWARD = ("normed", "gate", "up", "hidden", "activation", "output", "added", "residual_after")
_SYMBOLS = {"token_embedding": "E", "position_embedding": "P", "segment_embedding": "S", "output": "y"}


def _check(expression: str, shown: str) -> str:
    return f"torch.testing.assert_close({expression}, {shown}, rtol=1e-4, atol=1e-4)"
