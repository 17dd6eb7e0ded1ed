"""The Generate page: writing in pulls, branching, cutting, comparing."""

import pytest


def _write(visited, **settings):
    settings = {"prompt": "be", "tokens": 30, "temperature": 1.0, "seed": 3, **settings}
    state = visited.ask("generated_text", action="write", settings=settings, have=0, version=None, nonce=1)
    nonce = 2
    while state["answer"]["writing"]:
        state = visited.ask("generated_text", action="more", settings=settings, have=0, version=None, nonce=nonce)
        nonce += 1
    return state["answer"], settings


def test_it_writes_as_many_tokens_as_asked_and_knows_each_choice(visit):
    answer, _ = _write(visit("generate", lang="en"))
    assert len(answer["path"]) == 2 + 30
    chosen = [answer["nodes"][i] for i in answer["path"]]
    assert [node["probability"] for node in chosen[:2]] == [None, None]
    for node in chosen[2:]:
        listed = dict(zip(node["distribution"]["ids"], node["distribution"]["probabilities"], strict=True))
        assert listed.get(node["token_id"], node["probability"]) == pytest.approx(node["probability"])


def test_a_link_sets_the_page_up(visit):
    visited = visit("generate", lang="en", temperature="0", top_k="9999", text="or not")
    settings = visited.widget("generated_text")[1]["settings"]
    assert (settings["temperature"], settings["top_k"], settings["prompt"]) == (0, 60, "or not")
    assert visited.app.query_params["temperature"] == "0.0"
    _write(visited, temperature=0.8)
    assert "temperature" not in visited.app.query_params
    assert visited.app.query_params["text"] == "be"


def test_the_same_seed_writes_the_same_and_another_does_not(visit):
    def texts(seed):
        answer, _ = _write(visit("generate", lang="en"), seed=seed)
        return [answer["nodes"][i]["token_id"] for i in answer["path"]]

    assert texts(3) == texts(3)
    assert texts(3) != texts(4)


def test_a_missing_character_is_named(visit):
    visited = visit("generate", lang="zh")
    answer = visited.ask("generated_text", action="write", settings={"prompt": "Q床"}, nonce=1)["answer"]
    assert "Q" in answer["error"]
    assert not visited.broken()


def test_the_tree_is_kept_while_other_pages_are_visited(visit):
    visited = visit("generate", lang="en")
    answer, _ = _write(visited)
    back = visited.go("start").go("generate").widget("generated_text")[1]
    assert back["answer"]["path"] == answer["path"]
    assert len(back["answer"]["nodes"]) == len(answer["nodes"])
    assert back["settings"]["prompt"] == "be"
