"""Shakespeare's plays from their Markdown files to plain script: a speaker's name, then the lines spoken.

HORATIO:
Well, sit we down,
And let us hear Bernardo speak of this.
"""

import re
from pathlib import Path

LAST = ("richard-ii", "macbeth", "the-tempest", "twelfth-night")
"""The plays put last, so that a held-out last tenth has a history, a tragedy, a romance and a comedy."""

_DIRECTION = re.compile(
    r"_[^_]*_\\\[[^_]*_"  # a bracket inside a direction
    r"|_+[^_]*_+"
    r"|\[[^\]\n]*\]_"  # its opening underscore is missing in the source
    r"|(?<!\*)\*[^*]+\*(?!\*)"
)
_SPEAKER = re.compile(r"\*\*(.+?)\*\*\s*")
_HEADING = re.compile(r"#|(\*\*)?(SCENE|Scene) [IV]+\b")
_LISTED = re.compile(r"\d+\\\.")
_SPLIT_NAME = re.compile(r"\n(BISHOP|CARDINAL|COUNTESS|LADY|RICHARD)\s*\n\n\*\*")
_NOT_SPOKEN = re.compile(r"[A-Z][A-Z' ]{2,}|(THE )?SONG\.|DUMB SHOW\.|Enter [A-Z]{3,}\.")
_REPAIRS = {
    "—": "--",  # as the other 37 plays have it
    "sha$l": "shall",
    "SU FFOLK": "SUFFOLK",
    "HERNIA": "HERMIA",
    "ROSENCRANTZ: &": "ROSENCRANTZ &",
    "GUILDENSTERN:": "GUILDENSTERN",
    "PAGE & & C": "PAGE",
    "Senators, & C ": "",
    "& c": "&c",
    "O blessed breeding sun": "**TIMON**\nO blessed breeding sun",
    "Master-Gunner Sirrah": "**Master-Gunner**\nSirrah",
    "**As long as you or I**": "As long as you or I",
    "**Here stand I**": "Here stand I",
}


def plays_text(folder: Path) -> str:
    """All plays under `folder`, sorted by name with `LAST` at the end, in that order; a blank line between speeches."""
    found = {path.stem: path for path in sorted(folder.rglob("*.md"), key=lambda path: path.stem)}
    order = [name for name in found if name not in LAST] + [name for name in LAST if name in found]
    speeches = [speech for name in order for speech in play_speeches(found[name].read_text(encoding="utf-8"))]
    return "\n\n".join(speeches) + "\n"


def play_speeches(markdown: str) -> list[str]:
    """The speeches of one play, without headings, stage directions and lists; a speech left empty is dropped.

    Stage directions stand in `_underscores_` (one play: `*asterisks*`), alone, across lines, or inside a speech;
    lines after one still belong to the speaker before it. Nobody speaks between a heading and the first name.
    """
    for old, new in _REPAIRS.items():
        markdown = markdown.replace(old, new)
    markdown = _SPLIT_NAME.sub(r"\n\n**\1 ", markdown)
    speeches: list[str] = []
    speaker, lines = "", list[str]()
    for paragraph in re.split(r"\n\s*\n", markdown):
        text = _DIRECTION.sub("", paragraph).strip()
        name = _SPEAKER.match(text)
        if _HEADING.match(text):
            speeches += _speech(speaker, lines)
            speaker, lines = "", []
        elif name:
            speeches += _speech(speaker, lines)
            speaker, lines = name[1].strip(), _lines(text[name.end() :])
        elif not _LISTED.match(text):
            lines += _lines(text)
    return speeches + _speech(speaker, lines)


def _lines(text: str) -> list[str]:
    lines = (" ".join(line.replace("\\", "").split()) for line in text.split("\n"))
    return [line for line in lines if line and not _NOT_SPOKEN.fullmatch(line)]


def _speech(speaker: str, lines: list[str]) -> list[str]:
    return ["\n".join([f"{speaker}:", *lines])] if speaker and lines else []
