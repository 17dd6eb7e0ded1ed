"""LaTeX as MathML, which browsers draw themselves: for formulas on pages and in widgets."""

import re
from functools import cache

_ALONE = re.compile(r"<mo>(&#x0221E;|[A-Za-z]{2,})</mo>")
"""∞ and the names of functions, which the converter takes for operators and browsers then set apart."""
_PRIMED = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>(&#x0203[2-4];)</mi></msup>")
"""Fonts draw a prime raised by itself; as an exponent it would be raised twice."""


@cache
def mathml(tex: str, display: str = "inline") -> str:
    """`display` is "inline" or "block"."""
    from latex2mathml.converter import convert

    made = str(convert(tex, display=display))
    made = _ALONE.sub(r"<mi>\1</mi>", made)
    return _PRIMED.sub(r"<mrow>\1<mi>\2</mi></mrow>", made)
