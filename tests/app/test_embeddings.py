"""The Embeddings page: sources, neighbours, the address, mistakes, and the code it offers."""

import base64
import shutil

import numpy as np
import pytest
import torch

from llmlab.lens.pca import fit_pca


def have(visited, **asked):
    """Ask as the widget does once it holds the points."""
    state = visited.widget("embedding_map")[1]
    return visited.ask("embedding_map", nonce=1, have=state["cloud_key"], pictures=["pca2", "pca3"], **asked)


@pytest.mark.parametrize(("language", "name"), [("en", "shakespeare-gpt"), ("zh", "tang-gpt")])
def test_token_vectors_and_their_neighbours_are_the_models_own(visit, embedded, language, name):
    from llmlab import hub

    visited = visit("embeddings", lang=language)
    cloud = visited.widget("embedding_map")[1]["cloud"]
    model, tokenizer = hub.load(embedded / name)
    assert cloud["names"] == tokenizer.token_texts(range(tokenizer.vocab_size))
    answer = have(visited, select=3, frame=0)["answer"]
    table = model.token_embedding.weight.detach()
    cosines = torch.nn.functional.cosine_similarity(table, table[3][None])
    cosines[3] = -2
    assert answer["selected"]["cosines"] == pytest.approx(cosines.topk(8).values.tolist(), abs=1e-6)
    assert not visited.broken()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("of", ["reading", "word", "sentences"])
def test_every_source_draws_and_its_code_runs(visit, of, language):
    visited = visit("embeddings", lang=language, of=of)
    # The tiny models know few characters: their own words are written in.
    text, word = ("to be or not\n\nthe question to be", "be") if language == "en" else ("床前明月\n举头望明月", "明月")
    (area,) = visited.app.text_area
    area.set_value(text).run()
    if of == "word":
        (field,) = visited.app.text_input
        field.set_value(word).run()
    assert not visited.broken(), visited.said()
    state = visited.widget("embedding_map")[1]
    assert state["cloud"]["frame_kind"] == "layer"
    assert len(state["cloud"]["frames"]) == 3
    source = visited.app.code[-1].value
    body, _, last = source.rpartition("\n")
    names: dict[str, object] = {}
    exec(compile(body, of, "exec"), names)
    made = eval(compile(last, of, "eval"), names)
    assert made.cloud_key == state["cloud_key"]
    made.ask = {"nonce": 4, "have": made.cloud_key, "pictures": [], "select": 0, "frame": 1}
    assert made.answer["nonce"] == 4
    assert made.answer["selected"]["ids"]


def test_the_view_is_written_into_the_address_and_read_from_it(visit):
    visited = visit("embeddings", lang="en")
    have(visited, view={"method": "pca", "dims": 3, "colour": "kind", "frame": 0, "word": "q", "mode": "map"})
    assert visited.app.query_params["dims"] == "3"
    assert visited.app.query_params["word"] == "q"
    other = visit("embeddings", lang="en", dims="3", word="q", of="tokens")
    assert other.widget("embedding_map")[1]["view"] | {"of": "tokens"} == {"of": "tokens", "dims": "3", "word": "q"}


def test_a_token_beside_the_map_is_found_added_and_opened_by_its_address(visit, tmp_path):
    from llmlab import hub
    from llmlab.models.gpt import GPT, GPTConfig
    from llmlab.text.tokenizer import train_tokenizer

    torch.manual_seed(0)
    words = " ".join(f"{a}{b}{c}{d}" for a in "bdfgklmn" for b in "aeiou" for c in "bdfgklmn" for d in "aeio")
    tokenizer = train_tokenizer("word", words + " <b>", vocab_size=1200)
    model = GPT(GPTConfig(vocab_size=1200, context_length=8, n_layers=1, n_heads=1, d_model=8))
    hub.save(model, tokenizer, tmp_path / "runs" / "many")
    visited = visit("embeddings", lang="en", model="many", most="1,000")
    state = visited.widget("embedding_map")[1]
    assert not state["cloud"]["whole"]
    outside = tokenizer.token_texts([1100])[0]
    found = have(visited, find=outside.strip("·"))["answer"]["found"]
    assert found["more"][0]["name"] == outside
    added = have(visited, add=found["more"][0]["token"], view={"word": outside, "method": "pca"})
    assert len(added["cloud"]["names"]) == 1001
    assert added["view"]["word"] == outside
    assert f"also=[{found['more'][0]['token']}]" in visited.said()
    other = visit("embeddings", lang="en", model="many", most="1,000", word=tokenizer.token_texts([1150])[0])
    assert tokenizer.token_texts([1150])[0] in other.widget("embedding_map")[1]["cloud"]["names"]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "שלום", "be " * 5000, " ", "b"])
def test_what_cannot_be_mapped_is_one_sentence_and_the_rest_lives(visit, text):
    visited = visit("embeddings", lang="en")
    visited.app.segmented_control(key="embeddings_of").set_value("sentences").run()
    (area,) = visited.app.text_area
    area.set_value(text).run()
    assert not visited.broken(), visited.said()
    if text == "b":  # one point: it is drawn, and its neighbours are said to be missing
        assert "only one point" in have(visited, select=0, frame=0)["answer"]["error"]
    else:
        (warning,) = visited.app.warning
        assert "script>alert" not in warning.value.replace("\\", "")
    assert visited.app.segmented_control(key="embeddings_of").set_value("tokens").run()
    assert visited.widget("embedding_map")[1]["cloud"]["names"]


def test_a_run_shows_its_map_forming(visit, embedded):
    from llmlab.training import runs
    from llmlab.training.config import TrainConfig

    run = runs.create(TrainConfig(corpus="tales-en"), "forming")
    shutil.copytree(embedded / "shakespeare-gpt", run / "checkpoints" / "step-000004")
    (run / "probes").mkdir()
    tables = np.random.default_rng(0).normal(size=(3, 6, 8)).astype(np.float16)
    for step, table in zip((1, 2, 4), tables, strict=True):
        ids = np.arange(6, dtype=np.int32)
        np.savez(run / "probes" / f"step-{step:06d}.npz", embedding_ids=ids, token_embedding=table)
    visited = visit("embeddings", lang="en")
    visited.app.segmented_control(key="embeddings_of").set_value("training").run()
    assert not visited.broken(), visited.said()
    state = visited.widget("embedding_map")[1]
    assert state["cloud"]["frame_kind"] == "step"
    assert state["cloud"]["frames"] == [1, 2, 4]
    assert f"training_points({str(run)!r}, tokenizer)" in visited.said()
    packed = state["pictures"]["found"]["pca2"]["places"]
    assert packed["shape"] == [3, 6, 2]
    last = torch.nn.functional.normalize(torch.from_numpy(tables.astype(np.float32)), dim=-1)
    expected = fit_pca(last[-1], 2).project(last).float().numpy()
    assert np.frombuffer(base64.b64decode(packed["data"]), "<f4").reshape(3, 6, 2) == pytest.approx(expected, abs=1e-5)
