"""Prose of the course from Markdown: to HTML for the chapter page, and to plain Markdown for notebooks."""

import html
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from llmlab.course.formula import mathml

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_TERM = re.compile(r"\[\[([\w -]+)(?:\|([^\]]+))?\]\]")
_NAMED = re.compile(r"\b(?:GPT|T)-\d\b")
"""Names that no line may break at their hyphen."""
_LINK = re.compile(r"\[([^\]]+)\]\((term|lab|page|chapter|errata):([^)]*)\)")


def to_html(text: str, term: Callable[[str], str]) -> str:
    """HTML of trusted prose. `term` gives the words of a glossary entry that has none of its own in the text."""
    return str(_markdown().render(_terms_as_links(text, term)))


def to_markdown(text: str, term: Callable[[str], str]) -> str:
    """Markdown for a notebook: what acts in the app is plain words there."""
    return _LINK.sub(lambda link: f"*{link[1]}*" if link[2] == "lab" else link[1], _terms_as_links(text, term))


def terms(text: str) -> list[str]:
    """The glossary entries that a text refers to."""
    return [found[1] for found in _TERM.finditer(text)]


def links(text: str) -> list[tuple[str, str]]:
    """(scheme, target) of everything in a text that acts: ("lab", "attention?head=2")."""
    return [(found[2], found[3]) for found in _LINK.finditer(text)]


def target(address: str) -> tuple[str, dict[str, str]]:
    """("attention", {"head": "2"}) of "attention?head=2"."""
    parts = urlsplit(address)
    return parts.path, dict(parse_qsl(parts.query))


def _terms_as_links(text: str, term: Callable[[str], str]) -> str:
    return _TERM.sub(lambda found: f"[{found[2] or term(found[1])}](term:{found[1].replace(' ', '-')})", text)


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    made.use(
        dollarmath_plugin,
        allow_space=False,
        renderer=lambda tex, options: mathml(tex, display=bool(options.get("display_mode"))),
    )
    made.validateLink = lambda url: True  # type: ignore[method-assign]  # our own schemes; the text is ours
    made.add_render_rule("link_open", _link_open)
    made.add_render_rule("link_close", _link_close)
    made.add_render_rule("text", _words)
    return made


def _words(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return _NAMED.sub(r'<span class="whole">\g<0></span>', html.escape(tokens[index].content))


def _link_open(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    address = html.escape(tokens[index].attrs["href"], quote=True)
    scheme, _, rest = address.partition(":")
    if scheme == "term":
        return f'<button type="button" class="term" data-term="{rest}">'
    if scheme == "lab":
        return f'<button type="button" class="act" data-lab="{rest}">'
    if scheme in ("page", "chapter", "errata"):
        return f'<a class="go" href="{href(scheme, rest)}" data-go="{address}">'
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">'


def href(scheme: str, rest: str) -> str:
    """The address inside the app of a link: chapter:6 is /chapter_06."""
    if scheme == "chapter":
        number, _, anchor = rest.partition("#")
        return f"/chapter_{int(number):02d}" + (f"#{anchor}" if anchor else "")
    if scheme == "errata":
        return f"/errata?entry={rest}"
    return f"/{rest}"


def _link_close(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    depth = 0
    for token in reversed(tokens[: index + 1]):  # the opening that belongs to it
        depth += {"link_close": 1, "link_open": -1}.get(token.type, 0)
        if depth == 0:
            address = str(token.attrs["href"])
            return "</button>" if address.startswith(("term:", "lab:")) else "</a>"
    raise AssertionError("a link that closes was opened")
