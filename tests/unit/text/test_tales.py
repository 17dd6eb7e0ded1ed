"""The entropy of the Tales is exact only if no tale has two derivations: both are shown here, not sampled."""

import os
import subprocess
import sys
from itertools import product
from math import exp, inf, log, sqrt
from pathlib import Path
from random import Random

import pytest

from llmlab.text.tales import Draw, Expand, Grammar, entropy_per_character, grammar, log_probability, write_tales

LANGUAGES = ["en", "zh"]
ROOT = Path(__file__).parents[3]

SMALL = """
[rules]
tale = ["{hero=person.name} saw {thing}. {end}", "{hero=person.name} and {hero.she}{end}"]
end = ["{hero.She} left.", "A {thing} fell on {hero.her}, {thing}!"]
[words.person]
forms = ["name", "she", "her"]
entries = ["Ada|she|her", "Bo|he|him", "Cy|he|him"]
[words.thing]
forms = ["name"]
entries = ["owl", "a hen"]
"""


def every_tale(some):
    """All derivations of a grammar, as (tale, probability), by brute force."""

    def expand(parts, roles):
        if not parts:
            yield "", 1.0
            return
        part, rest = parts[0], parts[1:]
        if isinstance(part, Expand):
            for expansion in some.rules[part.rule]:
                for text, p in expand(expansion + rest, roles):
                    yield text, p / len(some.rules[part.rule])
        elif isinstance(part, Draw):
            for i, word in enumerate(part.texts):
                for text, p in expand(rest, {**roles, part.role: i}):
                    yield word + text, p * part.words.probabilities[i]
        else:
            for text, p in expand(rest, roles):
                yield (part if isinstance(part, str) else part.texts[roles[part.role]]) + text, p

    yield from ((text + "\n", p) for text, p in expand((Expand(rule="tale"),), {}))


def test_entropy_and_length_are_those_of_all_the_tales_of_a_small_grammar():
    small = Grammar(SMALL)
    tales = list(every_tale(small))
    assert len({tale for tale, _ in tales}) == len(tales) == 3 * (2 * 5 + 5)
    assert sum(p for _, p in tales) == pytest.approx(1, abs=1e-12)
    entropy, length = small.entropy_and_length()
    assert entropy == pytest.approx(-sum(p * log(p) for _, p in tales), abs=1e-12)
    assert length == pytest.approx(sum(p * len(tale) for tale, p in tales), abs=1e-12)
    for tale, p in tales:
        assert list(small.derivations(tale + "x")) == []
        assert list(small.derivations(tale)) == [pytest.approx(log(p), abs=1e-12)]


def test_tales_are_written_as_often_as_their_probability_says():
    small = Grammar(SMALL)
    random, n = Random(0), 20_000
    written = [small.write(random) for _ in range(n)]
    for tale, p in every_tale(small):
        assert written.count(tale) / n == pytest.approx(p, abs=5 * sqrt(p / n))


def automaton(some):
    """A nondeterministic automaton with one path for each derivation: of each state, character to next states.

    It forgets which words were remembered, so a reference may be any of its texts. That only adds tales: if this
    larger language is unambiguous, so is the grammar's.
    """
    edges = [{}, {}]

    def add(parts, start, end):
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            stop = end if last else len(edges)
            if not last:
                edges.append({})
            if isinstance(part, Expand):
                for expansion in some.rules[part.rule]:
                    add(expansion, start, stop)
            else:
                # Words drawn are choices even where their texts are the same; what is referred to is no choice.
                texts = [part] if isinstance(part, str) else part.texts if isinstance(part, Draw) else set(part.texts)
                shared = {"": start}  # words share the states of their common beginnings, never their last step
                for text in texts:
                    for j, character in enumerate(text[:-1]):
                        if text[: j + 1] not in shared:
                            shared[text[: j + 1]] = len(edges)
                            edges[shared[text[:j]]].setdefault(character, []).append(len(edges))
                            edges.append({})
                    edges[shared[text[:-1]]].setdefault(text[-1], []).append(stop)
            start = stop

    add((Expand(rule="tale"), "\n"), 0, 1)
    return edges


def ambiguous_tale(some):
    """A text with two paths through the automaton, or None if there is none: all pairs of paths, followed at once."""
    edges = automaton(some)
    start = (0, 0, False)
    came_from, todo = {start: (None, "")}, [start]
    while todo:
        pair = todo.pop()
        a, b, differ = pair
        if a == b == 1 and differ:
            text = ""
            while pair:
                pair, character = came_from[pair]
                text = character + text
            return text
        for character, targets in edges[a].items():
            for (i, to), (j, other) in product(enumerate(targets), enumerate(edges[b].get(character, ()))):
                following = (min(to, other), max(to, other), differ or a != b or i != j)
                if following not in came_from:
                    came_from[following] = (pair, character)
                    todo.append(following)
    return None


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_tale_has_two_derivations(language):
    assert ambiguous_tale(grammar(language)) is None


def test_the_proof_finds_an_ambiguity():
    assert ambiguous_tale(Grammar(SMALL)) is None
    twice = Grammar(SMALL.replace('"owl", "a hen"', '"owl", "a hen", "owl"'))
    assert "owl" in ambiguous_tale(twice)
    across = Grammar(SMALL.replace("{hero.She} left.", "A {thing} fell on {hero.her}, owl!"))
    assert ambiguous_tale(across) is not None
    assert len(list(across.derivations("Ada saw owl. A a hen fell on her, owl!\n"))) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_tales_end_with_a_newline_that_occurs_nowhere_else(language):
    some = grammar(language)
    literals = [part for rule in some.rules.values() for parts in rule for part in parts if isinstance(part, str)]
    texts = [text for words in some.words.values() for form in words.forms.values() for text in form]
    assert "\n" not in "".join(literals + texts)
    assert all(parts for rule in some.rules.values() for parts in rule)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_entropy_is_that_of_a_large_sample_within_its_error(language):
    tales = write_tales(language, characters=150_000, seed=3).splitlines(keepends=True)
    rate = entropy_per_character(language)
    # Of a ratio of means: the mean of surprise - rate * length is zero, with an error that the sample itself tells.
    excess = [-log_probability(language, tale) - rate * len(tale) for tale in tales]
    mean = sum(excess) / len(excess)
    error = sqrt(sum((e - mean) ** 2 for e in excess)) / len(excess)
    assert abs(mean) < 4 * error
    assert error / (len("".join(tales)) / len(tales)) < 0.01  # nats per character: the test has some sharpness


@pytest.mark.parametrize("language", LANGUAGES)
def test_log_probability_adds_up_over_tales_and_refuses_other_text(language):
    text = write_tales(language, characters=600, seed=1)
    each = [log_probability(language, tale) for tale in text.splitlines(keepends=True)]
    assert log_probability(language, text) == pytest.approx(sum(each))
    assert all(-inf < p < -10 for p in each)
    assert log_probability(language, text[:-1]) == -inf
    assert log_probability(language, text.replace(text[0], "x", 1)) == -inf
    assert exp(log_probability(language, "")) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_tales_are_as_many_as_wanted_and_the_same_for_a_seed(language):
    text = write_tales(language, characters=5000, seed=7)
    assert 5000 <= len(text) < 5500
    assert text.endswith("\n")
    assert write_tales(language, characters=50_000, seed=7).startswith(text)
    assert write_tales(language, characters=5000, seed=8) != text
    tales = write_tales(language, characters=100_000).splitlines()
    assert len(set(tales)) == len(tales)


def test_tales_do_not_depend_on_the_hash_seed():
    code = "from llmlab.text.tales import *; print(ascii([write_tales(x, characters=900) for x in ('en', 'zh')]))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {ascii([write_tales(x, characters=900) for x in LANGUAGES]).encode() + b"\n"}


@pytest.mark.parametrize(("language", "low", "high"), [("en", 0.35, 0.9), ("zh", 0.7, 2.0)])
def test_tales_are_neither_trivial_nor_noise(language, low, high):
    assert low < entropy_per_character(language) < high


def test_a_pronoun_is_that_of_the_person_named():
    tales = write_tales("en", characters=200_000).splitlines()
    ada, tom = ([t for t in tales if t.count(name) and "and" in t] for name in ("Ada ", "Tom "))
    assert any(" she " in t for t in ada)
    assert not any(" he " in t.lower() for t in ada)
    assert any(" he " in t for t in tom)
    assert not any(" she " in t.lower() for t in tom)
