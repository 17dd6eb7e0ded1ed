"""The Tales: as many small stories as wanted, from a probabilistic grammar whose entropy is known exactly.

A tale is one line. The grammar (`tales_en.toml`, `tales_zh.toml`) is unambiguous: a tale can be derived in one way
only, and a newline ends it and occurs nowhere else. So the entropy of a tale is that of the choices that made it, and
since tales are independent, the text has H(tale) / E[characters of a tale] nats per character: no model can go lower
on average (Shannon, "A mathematical theory of communication", 1948).
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from math import inf, log
from random import Random
from typing import Any, Literal, TypeAlias

SLOT = re.compile(r"\{(?:(?P<role>\w+)=)?(?P<name>\w+)(?:\.(?P<form>\w+))?\}")


@dataclass(frozen=True, kw_only=True)
class Words:
    """Words of one kind, the first the likeliest: word r of them, from 0, has weight 1 / (r + 20) (Zipf–Mandelbrot).

    Each stands in several forms, "Mira|she|her|her": a tale that has named someone can refer to her by pronoun.
    """

    forms: dict[str, tuple[str, ...]]  # form to the text of every word
    probabilities: tuple[float, ...]
    cumulative: tuple[float, ...]

    def texts(self, form: str) -> tuple[str, ...]:
        """The words in a form; "She" is the form "she" with a capital."""
        if form in self.forms:
            return self.forms[form]
        return tuple(text[0].upper() + text[1:] for text in self.forms[form[0].lower() + form[1:]])


@dataclass(frozen=True, kw_only=True)
class Draw:
    """`{thing}`, `{look.a}`: a word is drawn. `{hero=person.name}`: and remembered as the hero."""

    role: str | None
    texts: tuple[str, ...]
    words: Words


@dataclass(frozen=True, kw_only=True)
class Refer:
    """`{hero.she}`: a form of the word remembered."""

    role: str
    texts: tuple[str, ...]
    words: Words


@dataclass(frozen=True, kw_only=True)
class Expand:
    """`{opening}`: one of the expansions of that rule, each as likely."""

    rule: str


Part: TypeAlias = str | Draw | Refer | Expand


class Grammar:
    """Rules and words, from TOML. Every derivation starts at the rule `tale`; a newline is added at its end."""

    def __init__(self, source: str) -> None:
        table = tomllib.loads(source)
        self.words = {name: _words(entry) for name, entry in table["words"].items()}
        roles = {match["role"]: match["name"] for match in SLOT.finditer(source) if match["role"]}
        self.rules = {
            name: [self._parts(text, roles, table) for text in texts] for name, texts in table["rules"].items()
        }
        self._check("tale", frozenset())

    def _parts(self, text: str, roles: dict[str, str], table: dict[str, Any]) -> tuple[Part, ...]:
        parts: list[Part] = []
        end = 0
        for match in SLOT.finditer(text):
            parts += [text[end : match.start()]] if match.start() > end else []
            end = match.end()
            name, form = match["name"], match["form"]
            if name in table["rules"]:
                parts.append(Expand(rule=name))
            elif name in roles:
                words = self.words[roles[name]]
                parts.append(Refer(role=name, texts=words.texts(form), words=words))
            else:
                words = self.words[name]
                parts.append(Draw(role=match["role"], texts=words.texts(form or next(iter(words.forms))), words=words))
        return (*parts, text[end:]) if end < len(text) else tuple(parts)

    def _check(self, rule: str, known: frozenset[str]) -> frozenset[str]:
        """The roles remembered after a rule. Each is named before it is referred to, once, and whatever was chosen."""
        after = []
        for parts in self.rules[rule]:
            roles = known
            for part in parts:
                if isinstance(part, Draw) and part.role:
                    assert part.role not in roles, (rule, part.role)
                    roles |= {part.role}
                elif isinstance(part, Refer):
                    assert part.role in roles, (rule, part.role)
                elif isinstance(part, Expand):
                    roles = self._check(part.rule, roles)
            after.append(roles)
        assert rule == "tale" or len(set(after)) == 1, rule
        return after[0]

    def write(self, random: Random) -> str:
        """One tale, its newline included."""
        written: list[str] = []
        self._write("tale", random, {}, written)
        return "".join(written) + "\n"

    def _write(self, rule: str, random: Random, roles: dict[str, int], written: list[str]) -> None:
        expansions = self.rules[rule]
        # random() alone is promised to give the same numbers in every version and on every platform.
        for part in expansions[int(random.random() * len(expansions))]:
            if isinstance(part, str):
                written.append(part)
            elif isinstance(part, Draw):
                index = bisect_right(part.words.cumulative, random.random(), hi=len(part.texts) - 1)
                written.append(part.texts[index])
                if part.role:
                    roles[part.role] = index
            elif isinstance(part, Refer):
                written.append(part.texts[roles[part.role]])
            else:
                self._write(part.rule, random, roles, written)

    def entropy_and_length(self, rule: str = "tale") -> tuple[float, float]:
        """H in nats and the expected number of characters of what a rule derives, a tale's newline included.

        Choices are independent of each other, so both are sums along an expansion and means over the expansions.
        """
        expansions = self.rules[rule]
        entropy, length = log(len(expansions)), float(rule == "tale")
        for part in (part for parts in expansions for part in parts):
            h, n = 0.0, 0.0
            if isinstance(part, str):
                n = len(part)
            elif isinstance(part, Expand):
                h, n = self.entropy_and_length(part.rule)
            else:
                probabilities = part.words.probabilities
                n = sum(p * len(text) for p, text in zip(probabilities, part.texts, strict=True))
                h = -sum(p * log(p) for p in probabilities) if isinstance(part, Draw) else 0.0
            entropy += h / len(expansions)
            length += n / len(expansions)
        return entropy, length

    def derivations(self, tale: str) -> Iterator[float]:
        """The log probability of each way to derive a tale: one, or none for what is not a tale."""
        yield from self._derivations((Expand(rule="tale"), "\n"), tale, 0, {}, 0.0)

    def _derivations(
        self, parts: tuple[Part, ...], tale: str, start: int, roles: dict[str, int], so_far: float
    ) -> Iterator[float]:
        if not parts:
            if start == len(tale):
                yield so_far
            return
        part, rest = parts[0], parts[1:]
        if isinstance(part, Expand):
            expansions = self.rules[part.rule]
            for expansion in expansions:
                yield from self._derivations(expansion + rest, tale, start, roles, so_far - log(len(expansions)))
        elif isinstance(part, Draw):
            for index, text in enumerate(part.texts):
                if tale.startswith(text, start):
                    now = {**roles, part.role: index} if part.role else roles
                    p = part.words.probabilities[index]
                    yield from self._derivations(rest, tale, start + len(text), now, so_far + log(p))
        else:
            text = part if isinstance(part, str) else part.texts[roles[part.role]]
            if tale.startswith(text, start):
                yield from self._derivations(rest, tale, start + len(text), roles, so_far)


def _words(table: dict[str, Any]) -> Words:
    rows = [entry.split("|") for entry in table["entries"]]
    assert all(len(row) == len(table["forms"]) and all(row) for row in rows), table["entries"]
    weights = [1 / (rank + 20) for rank in range(len(rows))]
    probabilities = tuple(weight / sum(weights) for weight in weights)
    forms = dict(zip(table["forms"], zip(*rows, strict=True), strict=True))
    return Words(forms=forms, probabilities=probabilities, cumulative=tuple(accumulate(probabilities)))


@cache
def grammar(language: Literal["en", "zh"]) -> Grammar:
    """The grammar of the Tales in a language."""
    return Grammar((files("llmlab.text") / f"tales_{language}.toml").read_text(encoding="utf-8"))


def write_tales(language: Literal["en", "zh"], *, characters: int, seed: int = 0) -> str:
    """Whole tales, one a line: the first of this seed that together have at least so many characters."""
    random, tales, written = Random(seed), grammar(language), 0
    lines = []
    while written < characters:
        lines.append(tales.write(random))
        written += len(lines[-1])
    return "".join(lines)


@cache
def entropy_per_character(language: Literal["en", "zh"]) -> float:
    """The entropy rate of the Tales in nats per character, exactly: the loss that no model can beat on average."""
    entropy, length = grammar(language).entropy_and_length()
    return entropy / length


def log_probability(language: Literal["en", "zh"], text: str) -> float:
    """The log probability (nats) with which the grammar writes these whole tales; -inf for anything else.

    Divided by the number of characters and negated, it is what a perfect model would reach on this very text.
    """
    total = 0.0
    for tale in text.splitlines(keepends=True):
        total += next(grammar(language).derivations(tale), -inf)
    return total
