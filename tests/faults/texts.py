"""Small texts to train on."""

import random


def words(characters: int, seed: int = 0) -> str:
    """Lines of invented words, the same for the same seed."""
    draw = random.Random(seed)
    syllables = [c + v for c in "bdfgklmnprst" for v in "aeiou"]
    text = ""
    while len(text) < characters:
        line = " ".join("".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(draw.randint(3, 7)))
        text += line + ".\n"
    return text[:characters]
