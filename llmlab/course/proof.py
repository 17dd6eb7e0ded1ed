"""A proof of a correction: one check, tried on what is so and on what the article says.

The check must hold for the first and fail for the second, so that it would have failed had the article been right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmlab.course.unit import Words

Measured = Mapping[str, float]
"""What was measured, by name."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The proof of one entry of the errata."""

    check: Callable[[Measured], bool]
    says: Words
    """What the check asks, as a sentence."""
    real: Callable[[], Measured]
    """Measures what is so."""
    claimed: Callable[[], Measured]
    """Measures the same where things are as the article says."""
