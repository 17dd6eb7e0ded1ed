"""Looking a word up in a whole vocabulary, of which a map shows a part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ADDED = 50
"""How many tokens are added to a map at most."""


@dataclass(frozen=True)
class Vocabulary:
    """All tokens that a map could show."""

    names: Sequence[str]
    """Of every token by its id, as shown to a person."""
    on_map: Sequence[int]
    """The ids of the map's points, in their order."""
    cut: Callable[[str], list[int]]
    """The ids of the tokens that a text is made of; none where it cannot be written."""
    including: Callable[[Sequence[int]], Any]
    """The same `Points` with some more tokens."""

    def missing(self, text: str, most: int = 6) -> list[int]:
        """The ids of tokens called `text`, then of those that begin with it, as far as the map does not show them."""
        text, shown = text.strip(), set(self.on_map)
        lower = text.lower()
        begin = [i for i, name in enumerate(self.names) if bare(name).lower().startswith(lower)] if text else []

        def distance(i: int) -> tuple[bool, bool]:
            name = bare(self.names[i])
            return name != text, name.lower() != lower

        return sorted((i for i in begin if i not in shown), key=distance)[:most]

    def pieces(self, text: str) -> list[int]:
        """The tokens that a word is cut into, where no token is called so."""
        text = text.strip()
        if not text or any(bare(name) == text for name in self.names):
            return []
        return self.cut(text)


def bare(name: str) -> str:
    """A token's name without the marks of its place in a word."""
    return name.removeprefix("·").removeprefix("##")
