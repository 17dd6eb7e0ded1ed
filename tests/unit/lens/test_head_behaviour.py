"""The scores against plain loops, and heads whose behaviour is known because they were built to have it."""

import numpy as np
import pytest
import torch

from llmlab.lens.head_behaviour import (
    attention_weights,
    habits,
    induction_of,
    induction_scores,
    repeated_sequence,
    scores_on_text,
    separators,
)
from llmlab.models.gpt import GPT, GPTConfig
from llmlab.models.trace import trace


def random_attention(seq, *, causal, seed=0):
    scores = torch.randn(2, 3, seq, seq, generator=torch.Generator().manual_seed(seed))
    if causal:
        scores = scores.masked_fill(~torch.ones(seq, seq, dtype=torch.bool).tril(), -torch.inf)
    return scores.softmax(-1).numpy()


@pytest.mark.parametrize("causal", [True, False])
def test_scores_on_a_text_against_loops(causal):
    ids, marks = [4, 7, 4, 9, 7, 4], np.array([False, False, True, False, True, False])
    weights = random_attention(6, causal=causal)
    found = scores_on_text(weights, ids, marks)
    for layer in range(2):
        for head in range(3):
            a = weights[layer, head].astype(float).tolist()
            previous = [a[t][t - 1] for t in range(1, 6)]
            same = [sum(a[t][s] for s in range(6) if ids[s] == ids[t]) for t in range(6)]
            first = [a[t][0] for t in range(1, 6)]
            separator = []
            for t in range(6):
                seen = [s for s in range(6) if marks[s] and s != t and (s <= t or not causal)]
                if seen:
                    separator.append(sum(a[t][s] for s in seen))
            expected = {"previous": previous, "same": same, "first": first, "separator": separator}
            for name, values in expected.items():
                assert found[name][layer, head] == pytest.approx(sum(values) / len(values)), name


def test_induction_against_loops():
    weights = random_attention(14, causal=True)
    found = induction_of(weights)
    ids = repeated_sequence(range(50), 7)[0].tolist()
    for layer in range(2):
        for head in range(3):
            looked = []
            for t in range(7, 14):
                (before,) = [s for s in range(7) if ids[s] == ids[t]]
                looked.append(float(weights[layer, head, t, before + 1]))
            assert found[layer, head] == pytest.approx(sum(looked) / 7)


def test_an_induction_head_is_found_in_a_model_that_has_one(monkeypatch):
    """Weights that look exactly one past the earlier occurrence score 1, and the name beats resting on the first."""
    model = GPT(GPTConfig(vocab_size=60, context_length=64, n_layers=1, n_heads=1, d_model=8))
    ids = repeated_sequence(range(60), 25)[0].tolist()
    ideal = np.zeros((1, 1, 50, 50), dtype=np.float32)
    for t, token in enumerate(ids):
        ideal[0, 0, t, ids.index(token) + 1 if t >= 25 else 0] = 1
    monkeypatch.setattr("llmlab.lens.head_behaviour.attention_weights", lambda left: ideal)
    scores = {"induction": induction_scores(model)}
    assert scores["induction"][0, 0] == 1
    resting = np.ones((1, 1))
    none = np.zeros((1, 1))
    named = habits(scores | {"first": resting, "previous": none, "same": none, "separator": none})
    assert named[0][0].behaviour == "induction"


def test_induction_of_an_untrained_model_is_that_of_its_trace():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=30, context_length=20, n_layers=2, n_heads=2, d_model=8))
    ids = repeated_sequence(range(3, 30), 10)
    expected = induction_of(attention_weights(trace(model, ids)))
    np.testing.assert_array_equal(induction_scores(model, range(3, 30)), expected)
    assert sorted(ids[0, :10].tolist()) == sorted(set(ids[0, :10].tolist()))
    assert ids[0, :10].tolist() == ids[0, 10:].tolist()
    tiny = GPT(GPTConfig(vocab_size=30, context_length=3, n_layers=1, n_heads=2, d_model=8))
    assert induction_scores(tiny).tolist() == [[0, 0]]


def test_heads_are_named_by_what_they_do():
    seq = 8
    previous, same, first = np.eye(seq, k=-1), np.eye(seq), np.zeros((seq, seq))
    previous[0, 0] = first[:, 0] = 1
    mixed = np.tril(np.ones((seq, seq)))
    weights = np.stack([previous, same, first, mixed / mixed.sum(1, keepdims=True)])[None].astype(np.float32)
    scores = scores_on_text(weights, range(seq), np.zeros(seq, dtype=bool))
    named = habits(scores)[0]
    assert [habit.behaviour for habit in named] == ["previous", "same", "first", None]
    assert [habit.score for habit in named[:3]] == [1, 1, 1]


def test_separators_and_one_token():
    shown = ["[CLS]", "the", "·", "Ab·", "，", "[SEP]", "<|im_end|>", "⏎", "E4 B8", "<", "猫", "--"]
    assert separators(shown).tolist() == [0, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1]
    assert separators([]).tolist() == []
    alone = scores_on_text(np.ones((1, 1, 1, 1), dtype=np.float32), [3], np.zeros(1, dtype=bool))
    assert {name: score.tolist() for name, score in alone.items()} == {
        "previous": [[0]],
        "same": [[1]],
        "first": [[0]],
        "separator": [[0]],
    }
