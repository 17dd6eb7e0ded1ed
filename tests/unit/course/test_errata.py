"""Every correction says what it must, and each proof holds for what is so and fails for what the article says."""

from pathlib import Path

import pytest
import torch

from llmlab.course.errata import errata
from llmlab.course.proving import proofs, run
from llmlab.i18n import LANGUAGES, say


def test_all_entries_are_there_in_both_languages() -> None:
    assert [entry.number for entry in errata()] == list(range(1, 48))
    for entry in errata():
        assert 1 <= entry.chapter <= 10
        assert entry.source or entry.editorial
        for text in (entry.claim, entry.truth):
            assert set(text) == set(LANGUAGES)
            assert all(words.strip() for words in text.values())
        assert not entry.truth["zh"].isascii()


def test_each_entry_has_a_proof_or_says_why_not() -> None:
    with_proof = {entry.number for entry in errata() if not entry.editorial and entry.proven_in is None}
    assert with_proof == set(proofs())
    assert len(with_proof) >= 28


@pytest.mark.parametrize(("readme", "words"), [("README.md", "with {} proofs"), ("README.zh.md", "其中 {} 条")])
def test_the_readmes_name_as_many_proofs_as_there_are(readme: str, words: str) -> None:
    assert words.format(len(proofs())) in (Path(__file__).parents[3] / readme).read_text(encoding="utf-8")


@pytest.mark.parametrize("number", list(proofs()))
def test_the_proof_holds_and_would_fail_if_the_article_were_right(number: int, monkeypatch) -> None:
    monkeypatch.setattr(torch, "manual_seed", None)  # a proof runs in the app: others draw from those numbers too
    proof = proofs()[number]
    found = run(proof)
    assert proof.check(found.real), found.real
    assert not proof.check(found.claimed), found.claimed
    assert set(found.real) == set(found.claimed)
    assert all(proof.says[language].strip() for language in LANGUAGES)
    assert all(say(f"measures.{name}", language) for name in found.real for language in LANGUAGES)


@pytest.mark.parametrize(
    ("number", "half"),
    [
        (21, "ids_that_differ"),
        (21, "fresh_heads_of_one_mind"),
        (33, "agents_that_stay"),
        (33, "moves_with_the_store"),
    ],
)
def test_each_half_of_a_claim_would_be_noticed_by_itself(number: int, half: str) -> None:
    proof = proofs()[number]
    assert not proof.check({**proof.real(), half: proof.claimed()[half]})
