"""Cut a long text where no token can cross, so that encoding part by part gives the ids of encoding it whole."""

import re
from collections.abc import Iterator

# Before a space or line break that follows something visible, or before punctuation that follows a Chinese character,
# both the GPT-2 pattern and our word pattern begin a new piece whatever comes later.
_SURE = re.compile(r"(?<=\S)[ \n]|(?<=[\u4e00-\u9fff])[，。、！？；：]")
CHUNKS = re.compile(r"[^\S\x1c-\x1f]*[\S\x1c-\x1f]+|[^\S\x1c-\x1f]+")
"""Blanks and what follows up to the next blank; between chunks, too, both patterns begin a new piece.

Python counts U+001C to U+001F as blanks, Unicode and the `tokenizers` library do not.
"""

# Other tokenizers may glue spaces to either side; almost none looks across a single line break.
_LINE = re.compile(r"(?<=\S\n)(?=\S)")


def cut(text: str, *, size: int = 1 << 15, longest: int = 1 << 20, lines_only: bool = False) -> Iterator[str]:
    """Parts of about `size` characters that join to `text`, cut at the `spans`."""
    return (text[start:end] for start, end in spans(text, size=size, longest=longest, lines_only=lines_only))


def spans(
    text: str, *, size: int = 1 << 15, longest: int = 1 << 20, lines_only: bool = False
) -> Iterator[tuple[int, int]]:
    """Where the parts begin and end.

    Where the next `longest` characters offer no sure place to cut (no text that people write does), the part ends
    there all the same: ids around that place may then differ from those of the text encoded whole.
    """
    place = _LINE if lines_only else _SURE
    start = 0
    while len(text) - start > size:
        found = place.search(text, start + size, start + size + longest)
        end = found.start() if found else min(start + size + longest, len(text))
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)
