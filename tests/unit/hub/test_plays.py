from pathlib import Path

from llmlab.hub.plays import LAST, play_speeches, plays_text

PLAY = """# The Play

## ACT I

### SCENE I. A public way leading to the

lists. A pavilion.

_Enter HAMLET, with
attendants_

**HAMLET**
_\\[Aside]_
Who's there?
A line, and _\\[ ]_
'One Sir Andrew,'\\--

_Exit_

Still HAMLET, & c.

**GHOST**
_Vanishes_

1\\. A list of dignitaries
that nobody speaks.

BISHOP

**OF ELY**
[Within]_
My lord&mdash;

THE PLAY OF ALL

**Scene III**
A room.

**EDWARD**
*[Drawing.]*
sha$l—never
SONG.

*Exeunt,
all.*
"""


def test_a_play_becomes_speeches_under_names() -> None:
    assert play_speeches(PLAY.replace("\n", "  \n").replace("\n  \n", "\n\n")) == [
        "HAMLET:\nWho's there?\nA line, and\n'One Sir Andrew,'--\nStill HAMLET, &c.",
        "BISHOP OF ELY:\nMy lord&mdash;",
        "EDWARD:\nshall--never",
    ]


def test_plays_follow_by_name_with_the_held_out_ones_last(tmp_path: Path) -> None:
    names = [*LAST, "z-play", "a-play"]
    for name in names:
        folder = tmp_path / f"genre-of-{name}"
        folder.mkdir()
        (folder / f"{name}.md").write_text(f"**SPEAKER**  \n{name}\n", encoding="utf-8")
    expected = ["a-play", "z-play", *LAST]
    assert plays_text(tmp_path) == "\n\n".join(f"SPEAKER:\n{name}" for name in expected) + "\n"
