"""Formulas whose symbols carry the palette's colours and explain themselves.

In LaTeX a symbol is marked by its place in the list of meanings: `\\sym{0}{q_t}`. The page gets MathML, which browsers
draw themselves, with each marked symbol as an element to point at; a notebook gets LaTeX with colours.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmlab.charts.mathml import mathml as converted

_SYMBOL = re.compile(r"\\sym\{(\d+)\}\{")
_MARKED = re.compile(r'<mstyle mathcolor="#(0000[0-9a-f]{2})">')


def mathml(tex: str, *, display: bool = True) -> str:
    """MathML of LaTeX; symbol n becomes `<mstyle class="symbol" data-symbol="n" tabindex="0">`."""
    coloured = _SYMBOL.sub(lambda mark: rf"\textcolor{{#{int(mark[1]):06x}}}{{", tex)
    made = converted(coloured, "block" if display else "inline")
    return _MARKED.sub(lambda mark: f'<mstyle class="symbol" data-symbol="{int(mark[1], 16)}" tabindex="0">', made)


def side_by_side(tex: str) -> list[str]:
    """The formulas between which a `\\qquad` stands, each alone: a narrow page sets them below each other."""
    return [part.strip() for part in tex.split(r"\qquad")]


def coloured_tex(tex: str, symbols: Sequence[Mapping[str, Any]]) -> str:
    """LaTeX for a notebook: each symbol in its colour of the light palette."""
    from llmlab.charts.theme import LIGHT

    def colour(mark: re.Match[str]) -> str:
        name = symbols[int(mark[1])].get("colour", "text")
        return rf"\textcolor{{{getattr(LIGHT, name)}}}{{"

    return _SYMBOL.sub(colour, tex)


def symbol_numbers(tex: str) -> list[int]:
    """The symbols that a formula marks, in order of appearance."""
    return [int(number) for number in _SYMBOL.findall(tex)]
