import numpy as np
import pytest

from llmlab.models.ngram import NGram
from llmlab.training import loop, references, runs


@pytest.mark.parametrize(("kind", "order"), [("char", 6), ("word", 3)])
def test_losses_are_those_of_the_models_named(new_run, kind, order):
    run = new_run(tokenizer=kind, steps=1)
    loop.train(run)
    references.write(run)
    found = runs.references(run)
    ids = np.load(run / "data" / "tokens.npy").astype(np.int64)
    cut = int(len(ids) * 0.9)
    vocabulary = int(ids.max()) + 1
    assert found["uniform"] == pytest.approx(np.log(vocabulary), abs=0.1)
    assert found["kneser_ney"]["order"] == order
    assert found["kneser_ney"]["tokens"] == cut
    assert found["kneser_ney"]["loss"] == pytest.approx(
        NGram(order).fit(ids[:cut], vocabulary).loss(ids[cut:]), rel=0.02
    )
    assert found["kneser_ney"]["loss"] < found["unigram"] < found["uniform"] + 0.1
    assert found["floor"] is None


def test_the_tales_have_a_floor(new_run):
    from llmlab.text.tales import entropy_per_character

    run = new_run(corpus="tales-en", steps=1)
    loop.train(run)
    references.write(run)
    floor = runs.references(run)["floor"]
    assert floor == pytest.approx(entropy_per_character("en"))
    assert floor < runs.references(run)["kneser_ney"]["loss"]
