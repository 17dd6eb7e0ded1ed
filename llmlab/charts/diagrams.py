"""Diagrams of the course as code: boxes and arrows in the palette, in both languages and both appearances.

A diagram is a function from a language to an SVG element's source, listed in DIAGRAMS. Colours are CSS `light-dark`
pairs, so that the same drawing follows the theme of a page and of a notebook.
"""

from collections.abc import Callable
from html import escape

from llmlab.charts.theme import DARK, FONT, LIGHT
from llmlab.i18n import Language


def colour(name: str) -> str:
    """A colour of the palette, for both appearances."""
    return f"light-dark({getattr(LIGHT, name)}, {getattr(DARK, name)})"


def svg(width: int, height: int, parts: list[str], title: str) -> str:
    """A drawing of these parts, with a title that a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="{escape(FONT)}" font-size="14">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" style="fill: {colour("residual")}"/></marker></defs>' + "".join(parts) + "</svg>"
    )


def box(x: float, y: float, width: float, height: float, text: str, *, hue: str = "residual") -> str:
    """A rounded box with centred text."""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" '
        f'style="fill: color-mix(in srgb, {colour(hue)} 14%, transparent); stroke: {colour(hue)}"/>'
        + label(x + width / 2, y + height / 2, text)
    )


def label(x: float, y: float, text: str, *, anchor: str = "middle", hue: str = "text") -> str:
    """Text, centred on its height."""
    place = f'x="{x}" y="{y}" text-anchor="{anchor}" dominant-baseline="central"'
    return f'<text {place} style="fill: {colour(hue)}">{escape(text)}</text>'


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line with a tip at its end."""
    line = f'<path d="M{x1} {y1} L{x2} {y2}" stroke-width="1.5" marker-end="url(#tip)" '
    return line + f'style="fill: none; stroke: {colour("residual")}"/>'


def draw(name: str, language: Language) -> str:
    """The SVG of a diagram in a language."""
    return DIAGRAMS[name](language)


DIAGRAMS: dict[str, Callable[[Language], str]] = {}
