"""Runs the proofs of the errata."""

from dataclasses import dataclass
from functools import cache

from llmlab.course.proof import Measured, Proof


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A proof that was run."""

    real: Measured
    claimed: Measured
    holds: bool
    """The check holds for what is so, and not for what the article says."""


def run(proof: Proof) -> Outcome:
    """Measure both, and check."""
    real, claimed = proof.real(), proof.claimed()
    return Outcome(real=real, claimed=claimed, holds=proof.check(real) and not proof.check(claimed))


@cache
def proofs() -> dict[int, Proof]:
    """All proofs by the number of their entry."""
    from llmlab.course.proofs import architecture, data, learning, libraries, looking_up, measuring, pretraining

    found: dict[int, Proof] = {}
    for part in (architecture, data, learning, libraries, looking_up, measuring, pretraining):
        assert not found.keys() & part.PROOFS.keys()
        found |= part.PROOFS
    return dict(sorted(found.items()))
