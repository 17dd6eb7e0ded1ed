"""What cleaning is worth: a text as it comes from the web, cleaned in one way or another, and how well a model that
learned from it then predicts clean text of the same kind.
"""

from collections.abc import Iterable
from functools import cache
from random import Random

import numpy as np

from llmlab.i18n import Language
from llmlab.models.ngram import NGram
from llmlab.text.cleaning import clean
from llmlab.text.tales import write_tales

CHARACTERS, HELD_OUT, ORDER = 60_000, 20_000, 5
MARKED_UP, SPOILT, SPACED, REPEATED = 0.4, 0.3, 0.4, 0.4
"""How often a line stands in tags, has invisible characters in it, has blanks too many, and comes a second time."""


@cache
def soiled(language: Language, *, characters: int = CHARACTERS) -> str:
    """Tales with what real texts bring along: tags and entities, invisible characters, blanks, repeated lines."""
    random, lines = Random(4), []
    for line in write_tales(language, characters=characters).splitlines():
        said = line
        if random.random() < SPACED:
            said = said.replace(" ", "   ", 4) if " " in said else said.replace("。", "。   ")
        if random.random() < SPOILT:
            middle = random.randrange(len(said))
            said = f"\ufeff{said[:middle]}\u200b{said[middle:]}"
        if random.random() < MARKED_UP:
            said = f'<p class="tale">{said}&nbsp;<br/></p>'
        lines += [said] * (2 if random.random() < REPEATED else 1)
    return "\n".join(lines) + "\n"


@cache
def loss_after(steps: tuple[str, ...], language: Language) -> float:
    """Bits per character of clean tales, by a counting model that learned from the soiled ones, cleaned first."""
    learned, held_out = clean(soiled(language), steps), write_tales(language, characters=HELD_OUT, seed=1)
    symbols = {character: i for i, character in enumerate(sorted(set(learned) | set(held_out)))}
    ids, rest = (np.array([symbols[character] for character in text]) for text in (learned, held_out))
    return NGram(ORDER).fit(ids, len(symbols)).loss(rest) / float(np.log(2))


def losses(chosen: Iterable[str], language: Language, *, every: Iterable[str]) -> dict[str, float]:
    """The loss of the text as it came (""), of each step by itself, and of the chosen ones together ("chosen")."""
    found = {"": loss_after((), language)}
    found |= {step: loss_after((step,), language) for step in every}
    return found | {"chosen": loss_after(tuple(chosen), language)}
