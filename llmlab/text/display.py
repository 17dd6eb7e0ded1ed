"""Tokens as a person sees them: a space as `·`, a line break as `⏎`, a tab as `⇥`, fragments of characters in hex."""

import re

_BLANKS = str.maketrans({" ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍"})
_LONE_BYTES = re.compile("[\udc80-\udcff]+")
_SENTENCEPIECE_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def show_text(text: str) -> str:
    """Text with its blanks made visible."""
    return text.translate(_BLANKS)


def show_bytes(token: bytes) -> str:
    """UTF-8 with its blanks made visible; the first two bytes of 中 are shown as `E4 B8`."""
    shown = show_text(token.decode("utf-8", "surrogateescape"))
    return _LONE_BYTES.sub(lambda lone: lone[0].encode("utf-8", "surrogateescape").hex(" ").upper(), shown)


def show_sentencepiece(token: str) -> str:
    """Llama's way to write tokens: `▁` is a space, `<0xE4>` a byte."""
    return show_text(_SENTENCEPIECE_BYTE.sub(r"\1", token).replace("▁", " "))
