"""LaTeX as MathML, which browsers draw themselves: for formulas on pages and in widgets."""

import re
from functools import cache

_ALONE = re.compile(r"<mo>(&#x0221E;|[A-Za-z]{2,})</mo>")
"""∞ and the names of functions, which the converter takes for operators and browsers then set apart."""
_APPLIED = re.compile(
    r"(?<!<msub>)(?<!<msup>)(?<!<msubsup>)(?<!<munder>)(<mi>[A-Za-z]{2,}</mi>)(?=<(?:mi|mfrac|msub|msup|msqrt|mstyle|mover)\b)"
)
"""A function whose argument stands without brackets: log p."""
_PRIMED = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>(&#x0203[2-4];)</mi></msup>")
_PRIMED_BELOW = re.compile(r"<msubsup>(<mi>[^<]*</mi>)((?:(?!msubsup).)*?)<mi>(&#x0203[2-4];)</mi></msubsup>")
"""Fonts draw a prime raised by itself; as an exponent it would be raised twice."""


@cache
def mathml(tex: str, display: str = "inline") -> str:
    """`display` is "inline" or "block"."""
    from latex2mathml.converter import convert

    made = str(convert(tex, display=display))
    made = _ALONE.sub(r"<mi>\1</mi>", made)
    made = _APPLIED.sub(r'\1<mspace width="0.167em"/>', made)
    made = _PRIMED.sub(r"<mrow>\1<mi>\2</mi></mrow>", made)
    return _PRIMED_BELOW.sub(r"<msub><mrow>\1<mi>\3</mi></mrow>\2</msub>", made)
