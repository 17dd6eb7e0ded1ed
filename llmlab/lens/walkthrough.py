"""One sentence through a model, number by number: each step of a layer as a matrix, and each of its numbers as a
formula with the values that go into it, computed again from them.

What is shown comes from a trace; what is computed again comes from the operands, in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from torch import Tensor

from llmlab.lens import arithmetic
from llmlab.lens.arithmetic import Given, Worked
from llmlab.models.bert import Bert
from llmlab.models.gpt import GPT
from llmlab.models.trace import Trace

LISTED = 24
"""How many tokens of the vocabulary are columns of the last steps: those that one position finds likeliest."""


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
    """The way through one layer and one head of a model, for the first text of a trace.

    `at`: the position whose likeliest tokens are listed.
    """

    def __init__(self, model: GPT | Bert, trace: Trace, *, layer: int, head: int, at: int = -1) -> None:
        self.trace, self.layer, self.head, self.at = trace, layer, head, at
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
        logits = self.trace.logits[0, self.at]
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
            found.append(_last("probabilities", odds, r"p = \operatorname{softmax}(z)"))
        if "logits" in self.trace and not isinstance(self.model, Bert):  # which names tokens, but draws none
            found.append(_last("laid_out", odds.cumsum(-1), r"c_j = \sum_{i \le j} p_i"))
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
        worked = self._rule(step)(row, column)
        return Explained(
            formula=worked.formula,
            operands=tuple(Operand(name=n, values=v.detach().float().reshape(-1)) for n, v in worked.operands),
            shown=shown,
            computed=float(worked.value.detach()),
            code="\n".join(worked.lines),
        )

    def _rule(self, step: Step) -> "Rule":
        """How the numbers of a step come about; which rule it is follows from its name."""
        place, _, kind = step.name.rpartition(".")
        if place == "mlm_head":
            return self._of_mlm_head(kind)
        if place.endswith("feed_forward"):
            return self._of_feed_forward(kind)
        if place:
            return self._of_attention(kind)
        return self._of_ends(kind)

    def _of_ends(self, kind: str) -> "Rule":
        """What stands before the first layer, and after the last."""
        model = self.model
        tables: dict[str, tuple[str, Callable[[int], int]]] = {
            "token_embedding": ("W_E", lambda t: int(self.trace.input_ids[0, t])),
            "position_embedding": ("W_P", lambda t: t),
            "segment_embedding": ("W_S", self._segment),
        }
        if kind in tables:
            symbol, row = tables[kind]
            return lambda t, j: self._looked_up(symbol, kind, row(t), t, j)
        if kind == "embedding" and "added_embedding" in self.trace:
            return self._norm("added_embedding", model.embedding_norm, "model.embedding_norm", kind)
        if kind in ("embedding", "added_embedding"):
            return self._sum(kind, [n for n in tables if n in self.trace])
        if kind == "final_norm":
            return self._norm(self._stream(), model.final_norm, "model.final_norm", kind)
        if kind == "logits":
            return self._logit
        return self._probability if kind == "probabilities" else self._laid_out

    def _of_attention(self, kind: str) -> "Rule":
        place, code = f"layers.{self.layer}.attention.", f"model.blocks[{self.layer}].attention"
        rules: dict[str, Rule] = {
            "scores": self._score,
            "masked_scores": self._masked,
            "weights": self._weight,
            "head_outputs": self._mixed,
            "output": self._attention_output,
            "q_rotated": lambda t, j: self._rotated("q", t, j),
            "k_rotated": lambda t, j: self._rotated("k", t, j),
        }
        if kind in rules:
            return rules[kind]
        words = {"q": "query", "k": "key", "v": "value"}
        if kind in words:
            first = (self.head if kind == "q" else self.kv_head) * self.attention.head_dim
            module, its_code = getattr(self.attention, words[kind]), f"{code}.{words[kind]}"
            return self._linear(self._before(place), module, its_code, place + kind, first=first)
        if kind in ("q_normed", "k_normed"):
            word = f"{words[kind[0]]}_norm"
            return self._norm(place + kind[0], getattr(self.attention, word), f"{code}.{word}", place + kind)
        return self._around("attention", kind)

    def _of_feed_forward(self, kind: str) -> "Rule":
        place, code = f"layers.{self.layer}.feed_forward.", f"model.blocks[{self.layer}].feed_forward"
        part = self.block.feed_forward
        if kind in ("hidden", "gate", "up"):
            word = "up" if kind == "hidden" else kind
            return self._linear(self._before(place), getattr(part, word), f"{code}.{word}", place + kind)
        if kind == "activation" and place + "hidden" in self.trace:
            return self._gelu(place + "hidden", place + kind, str(part.approximate))
        if kind == "activation":
            return lambda t, j: arithmetic.gated(
                self._given(place + "gate", t, j), self._given(place + "up", t, j), self._code(place + kind, t, j)
            )
        if kind == "output":
            return self._linear(place + "activation", part.down, f"{code}.down", place + kind)
        return self._around("feed_forward", kind)

    def _of_mlm_head(self, kind: str) -> "Rule":
        head = self.model.mlm_head
        if kind == "hidden":
            return self._linear(self._stream(), head.dense, "model.mlm_head.dense", "mlm_head.hidden")
        if kind == "activation":
            return self._gelu("mlm_head.hidden", "mlm_head.activation", "none")
        return self._norm("mlm_head.activation", head.norm, "model.mlm_head.norm", "mlm_head.normed")

    def _around(self, part: str, kind: str) -> "Rule":
        """The norm in front of a part; the sum with the stream behind it, and in BERT the norm of that."""
        place = f"layers.{self.layer}.{part}."
        norm, code = getattr(self.block, f"{part}_norm"), f"model.blocks[{self.layer}].{part}_norm"
        if kind == "normed":
            return self._norm(place + "residual_before", norm, code, place + kind)
        if kind == "residual_after" and place + "added" in self.trace:
            return self._norm(place + "added", norm, code, place + kind)
        return self._sum(place + kind, [place + "residual_before", place + "output"])

    def _given(self, name: str, row: int, column: int | None = None) -> Given:
        """One position's numbers of an entry, of this head where it has heads; or one of them."""
        values = next(step.values for step in self._all if step.name == name)[row].double()
        places = (row,) if column is None else (row, column)
        return Given(values if column is None else values[column], self._code(name, *places))

    @cached_property
    def _all(self) -> list[Step]:
        extra = [f"layers.{self.layer}.{part}.residual_before" for part in ("attention", "feed_forward")]
        return [*self.steps, *(self._step(name, name) for name in (*extra, self._stream()) if name in self.trace)]

    def _code(self, name: str, *place: int | str) -> str:
        entry = self.trace[name]
        heads = [self.kv_head] if "kv_head" in entry.axes else [self.head] if "head" in entry.axes else []
        return f't["{name}"].value[' + ", ".join(map(str, [0, *heads, *place])) + "]"

    def _before(self, place: str) -> str:
        """What a part reads."""
        return place + ("normed" if place + "normed" in self.trace else "residual_before")

    def _stream(self) -> str:
        return f"layers.{self.model.config.n_layers - 1}.feed_forward.residual_after"

    def _segment(self, t: int) -> int:
        return int(self.trace.token_type_ids[0, t]) if self.trace.token_type_ids is not None else 0

    def _looked_up(self, symbol: str, name: str, row: int, t: int, j: int) -> Worked:
        table = Given(getattr(self.model, name).weight[row].double(), f"model.{name}.weight")
        return arithmetic.looked_up(symbol, row, j, table, self._code(name, t, j))

    def _sum(self, name: str, parts: list[str]) -> "Rule":
        def worked(t: int, j: int) -> Worked:
            symbols = [_SYMBOLS.get(part.rpartition(".")[2], "x") for part in parts]
            named = [(rf"{s}_{{{t},{j}}}", self._given(part, t, j)) for s, part in zip(symbols, parts, strict=True)]
            return arithmetic.added(named, self._code(name, t, j))

        return worked

    def _norm(self, source: str, norm: Any, code: str, name: str) -> "Rule":
        return lambda t, j: arithmetic.normed(self._given(source, t), j, norm, code, self._code(name, t, j))

    def _linear(self, source: str, module: Any, code: str, name: str, *, first: int = 0) -> "Rule":
        return lambda t, j: arithmetic.linear(self._given(source, t), first + j, module, code, self._code(name, t, j))

    def _gelu(self, source: str, name: str, approximate: str) -> "Rule":
        return lambda t, j: arithmetic.gelu(self._given(source, t, j), approximate, self._code(name, t, j))

    def _rotated(self, letter: str, t: int, j: int) -> Worked:
        place = f"layers.{self.layer}.attention."
        source = place + (f"{letter}_normed" if place + f"{letter}_normed" in self.trace else letter)
        shown = self._code(place + f"{letter}_rotated", t, j)
        return arithmetic.rotated(letter, self._given(source, t), j, t, self.model.rotary, shown)

    def _met(self, letter: str, t: int) -> Given:
        """A query or key as it meets the others."""
        place = f"layers.{self.layer}.attention."
        names = (f"{letter}_rotated", f"{letter}_normed", letter)
        return self._given(next(place + n for n in names if place + n in self.trace), t)

    def _score(self, t: int, s: int) -> Worked:
        shown = self._code(f"layers.{self.layer}.attention.scores", t, s)
        return arithmetic.score(t, s, self._met("q", t), self._met("k", s), shown)

    def _masked(self, t: int, s: int) -> Worked:
        place = f"layers.{self.layer}.attention."
        allowed = bool(self._given(place + "masked_scores", t, s).values.isfinite())
        shown = self._code(place + "masked_scores", t, s)
        return arithmetic.masked(t, s, self._given(place + "scores", t, s), allowed=allowed, shown=shown)

    def _weight(self, t: int, s: int) -> Worked:
        place = f"layers.{self.layer}.attention."
        return arithmetic.share("S", s, self._given(place + "masked_scores", t), self._code(place + "weights", t, s))

    def _mixed(self, t: int, j: int) -> Worked:
        place = f"layers.{self.layer}.attention."
        values = next(step.values for step in self._all if step.name == place + "v")[:, j].double()
        column = Given(values, self._code(place + "v", ":", j))
        return arithmetic.mixed(j, self._given(place + "weights", t), column, self._code(place + "head_outputs", t, j))

    def _attention_output(self, t: int, j: int) -> Worked:
        place = f"layers.{self.layer}.attention."
        heads = self.trace[place + "head_outputs"].value[0, :, t].flatten().double()
        given = Given(heads, f't["{place}head_outputs"].value[0, :, {t}].flatten()')
        code = f"model.blocks[{self.layer}].attention.output"
        return arithmetic.linear(given, j, self.attention.output, code, self._code(place + "output", t, j), name="o")

    def _logit(self, t: int, column: int) -> Worked:
        token, bert = self.vocabulary[column], isinstance(self.model, Bert)
        module, code = (
            (self.model.mlm_head.decoder, "model.mlm_head.decoder") if bert else (self.model.head, "model.head")
        )
        read = self._given("mlm_head.normed" if bert else "final_norm", t)
        return arithmetic.linear(read, token, module, code, self._code("logits", t, token))

    def _probability(self, t: int, column: int) -> Worked:
        token, logits = self.vocabulary[column], Given(self.trace.logits[0, t].double(), self._code("logits", t))
        return arithmetic.share("z", token, logits, f"z.softmax(-1)[{token}]")

    def _laid_out(self, t: int, column: int) -> Worked:
        odds = Given(
            self.trace.logits[0, t].double().softmax(-1)[self.vocabulary],
            f"{self._code('logits', t)}.softmax(-1)[{self.vocabulary}]",
        )
        return arithmetic.laid_out(odds, column, f"p.cumsum(-1)[{column}]")


Rule = Callable[[int, int], Worked]
"""From a row and a column of a step to its number, worked out."""

_ATTENTION = (
    *("normed", "q", "k", "v", "q_normed", "k_normed", "q_rotated", "k_rotated", "scores", "masked_scores", "weights"),
    *("head_outputs", "output", "added", "residual_after"),
)
_FEED_FORWARD = ("normed", "gate", "up", "hidden", "activation", "output", "added", "residual_after")
_SYMBOLS = {"token_embedding": "E", "position_embedding": "P", "segment_embedding": "S", "output": "y"}


def _last(kind: str, values: Tensor, formula: str) -> Step:
    """A step after the trace's last: what is made of the logits."""
    return Step(name=kind, kind=kind, values=values, columns="vocabulary", formula=formula)
