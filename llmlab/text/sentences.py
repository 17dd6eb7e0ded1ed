"""Cutting a text into sentences, English and Chinese, by their marks alone."""

import re

_CLOSING = "\"'’”»」』）)\\]"
_END = re.compile(
    rf"[。！？…]+[{_CLOSING}]*"  # Chinese: what follows needs no space
    rf"|[.!?]+[{_CLOSING}]*(?=\s)"  # elsewhere a space has to follow: 3.14 and llmlab.org stay whole
    rf"|\n[^\S\n]*\n\s*"  # an empty line
)
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|vs|etc|cf|No|Vol|e\.g|i\.e)|\b[A-Z])\.$")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in order, each with the blanks before it; joined they are the text again.

    A sentence ends at 。！？… with the quotes that close after it, at . ! ? before a blank (not after `Mr.`, `e.g.` or
    an initial), and at an empty line. A text without such marks is one sentence.
    """
    sentences: list[str] = []
    start = 0
    for found in _END.finditer(text):
        end = found.end()
        if found[0][0] == "." and _ABBREVIATION.search(text, max(start, end - 8), found.start() + 1):
            continue
        if text[start:end].strip():
            sentences.append(text[start:end])
            start = end
    if text[start:].strip() or not sentences:
        sentences.append(text[start:])
    else:
        sentences[-1] += text[start:]
    return sentences
