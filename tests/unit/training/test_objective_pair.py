"""The pair differs in its family alone, and is compared by what both can be compared by."""

from dataclasses import fields

import pytest

from llmlab.training import objective_pair


@pytest.mark.parametrize("words", [{}, {"steps": 40, "heads": 2, "seed": 3}])
def test_the_two_runs_differ_in_nothing_but_the_model(words) -> None:
    gpt, bert = (objective_pair.config(side, **words) for side in objective_pair.SIDES)
    assert [f.name for f in fields(gpt) if getattr(gpt, f.name) != getattr(bert, f.name)] == ["model"]
    assert (gpt.model, bert.model) == ("gpt2", "bert")


def test_only_what_says_the_same_of_both_is_drawn_beside_them() -> None:
    found = {"uniform": 5.7, "unigram": 4.7, "kneser_ney": {"order": 3, "loss": 1.8}, "floor": 0.8}
    assert objective_pair.references(found) == {"uniform": 5.7, "unigram": 4.7}
