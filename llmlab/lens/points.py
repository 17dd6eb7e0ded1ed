"""Points to be mapped: vectors of a model, what each is called, and what is known of each besides."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from llmlab.lens.neighbours import unit
from llmlab.lens.projections import require_finite
from llmlab.lens.vocabulary import Vocabulary

CLUSTERS = 6


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One thing known of each point, by which it can be coloured: a number, or one of a few categories."""

    values: Sequence[float]
    """A number for each point; of categories, the place in `names`."""
    names: Sequence[str] | None = None
    """The categories: words of `KINDS` and `SCRIPTS`, which are translated where they are shown, or a learner's."""
    logarithmic: bool = False
    """Whether the numbers span magnitudes, as counts of words do."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """Vectors with their names, in one or several frames: the layers of a model, or the steps of a training."""

    vectors: Float[Tensor, "frame point d_model"]
    names: Sequence[str]
    """What each point is called, as shown to a person."""
    frame_kind: Literal["one", "layer", "step"] = "one"
    frames: Sequence[int] = (0,)
    """The number of each frame: layer (0 before the first), or step."""
    sentences: Sequence[str] = ()
    """The texts that points stand in, if they do."""
    sentence_of: Sequence[int] = ()
    """For each point the text it stands in."""
    spans: Sequence[tuple[int, int]] = ()
    """For each point where it stands in its text: first character and one past the last."""
    of: int | None = None
    """How many there would be if only some are shown, the most frequent."""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    """Of a map of tokens: those that it could show besides."""

    def __post_init__(self) -> None:
        require_finite(self.vectors)

    def directions(self) -> Float[Tensor, "frame point d_model"]:
        """What maps are drawn of: the vectors scaled to length 1, because neighbours are a matter of direction.

        The layers of a model are each centred too, and brought to the same spread: from layer to layer all vectors
        drift along together, which would leave no room for how they move among each other.
        """
        x = unit(self.vectors)
        if self.frame_kind == "layer" and len(x) > 1:
            x = x - x.mean(1, keepdim=True)
            x = x / x.pow(2).sum(-1).mean(1).sqrt().clamp_min(1e-6)[:, None, None]
        return x


KINDS = ("lower", "upper", "digits", "punctuation", "blank", "han", "other_letters", "mixed", "bytes", "special")
SCRIPTS = ("latin", "han", "kana", "hangul", "cyrillic", "arabic", "other_script", "no_letters")

_SPECIAL = re.compile(r"<[^<>\s]{1,24}>|\[[A-Z0-9_]{1,24}\]|<\|[^|]{1,40}\|>")
_HEX = re.compile(r"[0-9A-F]{2}( [0-9A-F]{2})*")
_BLANKS = "·⏎⇥␍"


def kind_of(name: str) -> str:
    """What sort of characters a token is made of, one of `KINDS`; `name` as it is shown, blanks as marks."""
    bare = name.strip(_BLANKS).removeprefix("##")
    if not bare:
        return "blank"
    if _SPECIAL.fullmatch(bare):
        return "special"
    if _HEX.fullmatch(bare) and not bare.isdigit() and not bare.isalpha():
        return "bytes"
    if bare.isdigit():
        return "digits"
    letters = [c for c in bare if c.isalpha()]
    if not letters:
        return "punctuation"
    if len(letters) < len(bare):
        return "mixed"
    if all(script_of(c) == "han" for c in letters):
        return "han"
    if not bare.isascii() and script_of(bare) != "latin":
        return "other_letters"
    return "lower" if bare[0].islower() else "upper"


def script_of(text: str) -> str:
    """The script of the first letter in a text, one of `SCRIPTS`."""
    for character in text:
        if character.isalpha():
            name = unicodedata.name(character, "")
            for word, script in _SCRIPT_NAMES.items():
                if name.startswith(word):
                    return script
            return "other_script"
    return "no_letters"


_SCRIPT_NAMES = {
    "LATIN": "latin",
    "CJK": "han",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "HANGUL": "hangul",
    "CYRILLIC": "cyrillic",
    "ARABIC": "arabic",
}


def categories(values: Sequence[str], order: Sequence[str] = ()) -> Attribute:
    """An attribute of words, those that occur, in the given order, others after them as they come."""
    present = dict.fromkeys(values)
    names = [word for word in order if word in present] + [word for word in present if word not in order]
    place = {word: i for i, word in enumerate(names)}
    return Attribute(values=[place[value] for value in values], names=names)


def clusters(points: Float[Tensor, "point d_model"], seed: int = 0) -> Attribute:
    """Groups of like vectors by k-means on directions (MacQueen 1967; scikit-learn's), numbered by size."""
    from sklearn.cluster import KMeans

    count = min(CLUSTERS, max(1, len(points) // 3))
    found = KMeans(n_clusters=count, n_init=3, random_state=seed).fit_predict(unit(points).numpy())
    sizes = torch.bincount(torch.from_numpy(found).long(), minlength=count)
    rank = sizes.argsort(descending=True, stable=True).argsort()
    return Attribute(values=[int(rank[i]) for i in found], names=[str(i + 1) for i in range(count)])
