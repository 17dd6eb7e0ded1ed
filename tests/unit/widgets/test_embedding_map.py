"""What the Embeddings widget is told: neighbours, pictures, jobs, and a page that stands alone."""

import base64
import json
import re
import time
import zlib

import numpy as np
import pytest
import torch

from llmlab.lens.pca import fit_pca
from llmlab.lens.points import Points, categories
from llmlab.widgets import embedding_map, labels, module
from llmlab.widgets.embedding_map import EmbeddingMap


def unpacked(packed):
    raw = base64.b64decode(packed["data"])
    raw = zlib.decompress(raw) if packed["deflated"] else raw
    return np.frombuffer(raw, "<" + packed["dtype"]).reshape(packed["shape"])


@pytest.fixture
def points(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMLAB_HOME", str(tmp_path))
    vectors = torch.randn(2, 60, 12, generator=torch.Generator().manual_seed(0))
    names = [f"w{i}" for i in range(60)]
    return Points(
        vectors=vectors,
        names=names,
        frame_kind="step",
        frames=[0, 9],
        attributes={"kind": categories(["lower", "upper"] * 30)},
    )


def ask(made, **asked):
    return {"nonce": 1, "have": made.key, "pictures": ["pca2", "pca3"], "frame": 0, "select": -1, **asked}


def test_the_points_and_pictures_travel_once(points):
    made = EmbeddingMap(points)
    first = made.state({})
    assert first["cloud"]["names"] == points.names
    places = unpacked(first["pictures"]["found"]["pca2"]["places"])
    unit = points.vectors / points.vectors.norm(dim=-1, keepdim=True)
    np.testing.assert_allclose(places, fit_pca(unit[-1], 2).project(unit).float().numpy(), atol=1e-6)
    later = made.state(ask(made))
    assert "cloud" not in later
    assert "pictures" not in later
    assert len(json.dumps(later)) < 500


def test_neighbours_are_those_of_plain_torch_in_the_frame_asked_for(points):
    made = EmbeddingMap(points)
    for frame in (0, 1):
        answer = made.answer(ask(made, select=7, frame=frame, near=[3, 9], matrix=True))["selected"]
        cosines = torch.nn.functional.cosine_similarity(points.vectors[frame], points.vectors[frame, 7][None])
        cosines[7] = -2
        best = cosines.topk(embedding_map.K)
        assert answer["ids"] == best.indices.tolist()
        assert answer["cosines"] == pytest.approx(best.values.tolist(), abs=1e-6)
        assert answer["near_cosines"] == pytest.approx(cosines[[3, 9]].tolist(), abs=1e-6)
        matrix = np.array(answer["matrix"]["values"])
        assert matrix[0, 1:] == pytest.approx(best.values.numpy(), abs=1e-6)
        assert np.allclose(np.diag(matrix), 1, atol=1e-6)


def test_a_projection_runs_beside_and_is_found_again(points):
    made = EmbeddingMap(points)
    assert made.answer(ask(made, project="tsne2"))["job"]["state"] == "none"
    deadline = time.monotonic() + 600
    job = made.answer(ask(made, project="tsne2", start=True))["job"]
    while job["state"] in ("waiting", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
        job = made.answer(ask(made, project="tsne2"))["job"]
    assert job["state"] == "done"
    picture = made.state(ask(made))["pictures"]["found"]["tsne2"]
    assert unpacked(picture["places"]).shape == (2, 60, 2)
    assert len(picture["kept"]) == 2
    again = EmbeddingMap(points)
    assert again.answer(ask(again, project="tsne2"))["job"]["state"] == "done"


def test_a_projection_is_stopped(points):
    made = EmbeddingMap(points)
    made.answer(ask(made, project="umap3", start=True))
    job = made.answer(ask(made, project="umap3", stop="umap3"))["job"]
    deadline = time.monotonic() + 600
    while job["state"] in ("waiting", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
        job = made.answer(ask(made, project="umap3"))["job"]
    assert job["state"] == "stopped"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_mistakes_are_sentences_in_the_readers_language(points, language):
    made = EmbeddingMap(points)
    said = made.answer(ask(made, project="<script>2"), language)["error"]
    assert said.isascii() == (language == "en")
    alone = EmbeddingMap(Points(vectors=torch.ones(1, 1, 4), names=["a"]))
    assert made.answer(ask(made, select=999))["error"] is None
    assert alone.state({}, language)["cloud"]["names"] == ["a"]
    assert alone.answer({"have": alone.key, "select": 0, "frame": 0}, language)["error"]


def test_a_saved_page_has_every_neighbour_and_keeps_names_as_text(points, tmp_path):
    evil = Points(vectors=points.vectors, names=["</script><script>alert(1)</script>", *points.names[1:]])
    embedding_map.save(str(tmp_path / "map.html"), evil)
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "alert(1)</script>" not in page
    state = EmbeddingMap(points).saved()
    ids, cosines = unpacked(state["cloud"]["nearest"]), unpacked(state["cloud"]["cosines"])
    expected = torch.nn.functional.cosine_similarity(points.vectors[1, 5][None], points.vectors[1])
    assert cosines[1, 5] == pytest.approx(expected[ids[1, 5].astype(int)].numpy(), abs=1e-6)


def test_every_word_the_widget_says_exists():
    source = module("embedding_map")
    said = set(re.findall(r"\b(?:w|say|say\(\))\.(\w+)", source)) - {"title"}
    for language in ("en", "zh"):
        known = labels("embedding_map", language)
        assert said <= known.keys(), said - known.keys()
        tools = re.findall(r"^    (\w+): \(\) => \{ (?:mode|eye|tableOpen)", source, re.M)
        assert {f"tool_{tool}" for tool in tools} <= known.keys()
