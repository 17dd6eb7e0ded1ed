"""The Attention page: the address is its state, and what cannot be shown is one sentence."""

import pytest


def test_it_opens_with_the_readers_text_and_writes_the_address(visit):
    for language, first in (("en", "To·be"), ("zh", "床")):
        visited = visit("attention", lang=language)
        _, state = visited.widget("attention")
        assert "".join(state["answer"]["picture"]["tokens"]).startswith(first)
        said = visited.app.query_params
        assert said["layer"] == str(state["answer"]["layer"] + 1)
        assert said["view"] == "lines"
        assert said["model"] == ("tang-gpt" if language == "zh" else "shakespeare-gpt")
        assert not visited.broken()


def test_the_address_opens_text_head_and_view(visit):
    visited = visit(None, lang="en", text="to be", layer="2", head="1", view="matrix")
    visited.go("attention")
    _, state = visited.widget("attention")
    assert (state["text"], state["view"]) == ("to be", "matrix")
    assert (state["answer"]["layer"], state["answer"]["head"]) == (1, 0)
    strange = visit(None, lang="en", layer="99", head="x", view="<b>").go("attention")
    assert strange.widget("attention")[1]["view"] == "lines"
    assert not strange.broken()


def test_what_was_looked_at_stays_while_other_pages_are_visited(visit):
    visited = visit("attention", lang="en")
    state = visited.ask("attention", text="that is", second="", layer=1, head=1, view="products", nonce=3)
    assert state["answer"]["nonce"] == 3
    assert visited.app.query_params["text"] == "that is"
    state = visited.go("start").go("attention").widget("attention")[1]
    assert (state["text"], state["view"], state["answer"]["head"]) == ("that is", "products", 1)


def test_start_hands_its_sentence_over(visit):
    visited = visit("attention", lang="en").go("start")
    visited.ask("reader", text="that is", temperature=1.0, nonce=7)
    visited.app.button(key="start_to_attention").click().run()
    assert visited.widget("attention")[1]["text"] == "that is"


def test_another_model_does_not_inherit_the_address(visit):
    visited = visit("attention", lang="en")
    visited.ask("attention", text="that is", layer=1, head=1, view="matrix", nonce=3)
    del visited.app.query_params["model"]  # as the button under the picture does it
    visited.app.session_state["model_choice"] = "tang-gpt"
    visited.app.run()
    _, state = visited.widget("attention")
    assert state["text"].startswith("床")
    assert state["answer"]["error"] is None


@pytest.mark.parametrize("text", ["", "t", "to be " * 900, "<script>alert(1)</script>", "שלום"])
def test_what_cannot_be_shown_is_one_sentence(visit, text):
    visited = visit("attention", lang="en")
    answer = visited.ask("attention", text=text, layer=0, head=0, view="lines", nonce=1)["answer"]
    assert answer["error"]
    assert "picture" not in answer
    assert not visited.broken()
    assert visited.ask("attention", text="to be", layer=0, head=0, view="lines", nonce=2)["answer"]["picture"]


def test_bertviz_stands_beside_it(visit):
    visited = visit("attention", lang="en")
    visited.app.button_group(key="attention_bertviz_view").set_value("model").run()
    (frame,) = visited.app.get("iframe")
    assert "bertviz_params" in frame.proto.srcdoc
    assert "cdnjs" not in frame.proto.srcdoc
    assert not visited.broken()
