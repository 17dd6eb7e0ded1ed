"""The Tokenizers page: the rows agree with the tokenizers, and the corpus can be changed."""


def test_five_rows_and_the_merges(visit):
    _, state = visit("tokenizers", lang="en").widget("token_strip")
    rows = {row["kind"]: row for row in state["answer"]["rows"][:4]}
    text = state["text"]
    assert len(rows["char"]["tokens"]) == len(text)
    assert len(rows["char"]["tokens"]) > len(rows["bpe"]["tokens"])
    assert len(state["answer"]["steps"][0]) == len(text.encode())
    assert len(state["answer"]["rows"]) == 5
    assert [token for token in rows["wordpiece"]["tokens"] if token.startswith("##")]
    assert "".join(rows["wordpiece"]["tokens"]).replace("##", "") == text.lower().replace(" ", "")


def test_the_last_step_is_what_the_tokenizer_says(visit):
    visited = visit("tokenizers", lang="zh")
    answer = visited.ask("token_strip", text="小狐狸和小兔子", nonce=1)["answer"]
    last = [answer["pieces"][i] for i in answer["steps"][-1]]
    assert last == answer["rows"][2]["tokens"]


def test_a_smaller_vocabulary_cuts_finer(visit):
    visited = visit("tokenizers", lang="en")
    before = len(visited.widget("token_strip")[1]["answer"]["rows"][2]["tokens"])
    visited.app.select_slider(key="tokenizers_size").set_value(512).run()
    after = visited.widget("token_strip")[1]["answer"]["rows"][2]
    assert after["vocabulary"] == 512
    assert len(after["tokens"]) > before


def test_a_link_sets_the_page_up(visit):
    visited = visit("tokenizers", lang="en", text="a fox", size="512", corpus="tales-en")
    state = visited.widget("token_strip")[1]
    assert (state["text"], state["answer"]["rows"][2]["vocabulary"]) == ("a fox", 512)
    visited.ask("token_strip", text="a hare", nonce=1)
    assert visited.app.query_params["text"] == "a hare"
