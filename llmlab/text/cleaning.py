"""Cleaning a corpus before training, in named steps whose effect can be shown before and after.

Each step is a pure function from text to text. None is needed: a language model learns what it is given, and every
step takes something away that it could have learnt.
"""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from llmlab.i18n import LearnerError
from llmlab.text.stop_words import CHINESE, CHINESE_WORDS_TO_KEEP, ENGLISH

BLOCK_TAGS = "address article aside blockquote br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol"
BLOCK_TAGS += " p pre section table td th title tr ul"

UNSEEN_BY_READERS = re.compile(
    r"<!--.{0,10000}?-->|<(script|style)\b[^<>]*>.*?</\1\s*>|<[!?][^<>]*>", flags=re.DOTALL | re.IGNORECASE
)
BLOCK_TAG = re.compile(rf"(?:</?(?:{'|'.join(BLOCK_TAGS.split())})(?:\s[^<>]*)?/?>\s*)+", flags=re.IGNORECASE)
TAG = re.compile(r"</?[a-z][a-z0-9:-]*(?:\s[^<>]*)?/?>", flags=re.IGNORECASE)
MARKDOWN = (
    (re.compile(r"^(?:```|~~~).*\n?", flags=re.MULTILINE), ""),
    (re.compile(r"^#{1,6}[ \t]+", flags=re.MULTILINE), ""),
    (re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\)"), r"\1"),
    (re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)

# Control characters but tab and newline; soft hyphens, zero-width and direction marks; what a decoder could not read;
# private use; what is no character at all. Joiners stay: emoji, Persian and Hindi are written with them.
SPECIAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\xad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff]"
)

STOP_WORDS = frozenset(ENGLISH.split())
ENGLISH_WORD = re.compile(r"(?<![\w'’-])([a-z]+)(?![\w'’-])[^\S\n]*", flags=re.IGNORECASE)
CHINESE_BEGINNINGS = "".join(sorted({word[0] for word in (CHINESE + CHINESE_WORDS_TO_KEEP).split()}))
CHINESE_WORD = re.compile(
    rf"(?=[{CHINESE_BEGINNINGS}])(?:({'|'.join(CHINESE_WORDS_TO_KEEP.split())})|{'|'.join(CHINESE.split())})"
)


def markup(text: str) -> str:
    """Take away HTML tags, comments and scripts, write entities as characters, undo Markdown's marks."""
    text = UNSEEN_BY_READERS.sub("", text)
    text = TAG.sub("", BLOCK_TAG.sub("\n", text))
    for mark, replacement in MARKDOWN:
        text = mark.sub(replacement, text)
    return html.unescape(text)


def special_characters(text: str) -> str:
    """Take away what has no shape: control, zero-width and private-use characters. Emoji and punctuation stay."""
    return SPECIAL.sub("", text)


def whitespace(text: str) -> str:
    """One space between words, none at the ends of lines, at most one empty line between paragraphs."""
    text = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text)
    text = re.sub(r"[^\S\n]{2,}|[^\S\n ]", " ", text)
    text = re.sub(r" \n ?|\n ", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return text + "\n" if text else ""


def duplicates(text: str) -> str:
    """Keep the first of paragraphs that recur; of lines, where the text has no empty lines between paragraphs.

    A line of a paragraph may recur, as the speakers' names of a play do, but not directly after itself.
    """
    if "\n\n" not in text:
        return "\n".join(_first_of_each(text.split("\n")))
    paragraphs = ("\n".join(_unlike_the_last(p.split("\n"))) for p in re.split(r"\n{2,}", text))
    return "\n\n".join(_first_of_each(paragraphs))


def case(text: str) -> str:
    """Small letters throughout."""
    return text.lower()


def stop_words(text: str) -> str:
    """Take away the frequent small words of English and Chinese: “the”, “of”, “的”, “了”."""
    text = ENGLISH_WORD.sub(lambda match: "" if match[1].lower() in STOP_WORDS else match[0], text)
    return CHINESE_WORD.sub(lambda match: match[1] or "", text)


@dataclass(frozen=True, kw_only=True)
class CleaningStep:
    """A step of cleaning. Its title and what it does are the phrases `text.step_<name>`, `text.step_<name>_help`."""

    name: str
    function: Callable[[str], str]
    warns: bool = False
    """Whether it takes away what a language model needs: say so before (`text.<name>_warning`)."""


STEPS: dict[str, CleaningStep] = {
    step.name: step
    for step in (
        CleaningStep(name="markup", function=markup),
        CleaningStep(name="special_characters", function=special_characters),
        CleaningStep(name="whitespace", function=whitespace),
        CleaningStep(name="duplicates", function=duplicates),
        CleaningStep(name="case", function=case),
        CleaningStep(name="stop_words", function=stop_words, warns=True),
    )
}


def clean(text: str, steps: Iterable[str]) -> str:
    """The text after the steps named, always taken in the order of `STEPS`. LearnerError for a name not in it."""
    wanted = list(steps)
    for name in wanted:
        if name not in STEPS:
            raise LearnerError("text.unknown_step", step=name, steps=", ".join(STEPS))
    for name, step in STEPS.items():
        if name in wanted:
            text = step.function(text)
    return text


def _first_of_each(pieces: Iterable[str]) -> Iterable[str]:
    seen: set[str] = set()
    for piece in pieces:
        key = piece.strip()
        if not key or key not in seen:
            yield piece
        seen.add(key)


def _unlike_the_last(lines: Iterable[str]) -> Iterable[str]:
    last = None
    for line in lines:
        if line.strip() != last:
            yield line
        last = line.strip()
