"""Tokenizers of every kind: what goes in comes out, and mistakes are said."""

import json
import subprocess
import sys

import numpy as np
import pytest

from llmlab.i18n import LearnerError, say
from llmlab.text import pieces, tokenizer
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

TEXT = (
    "The cat's café, the cat — and the hat.\r\n\tIt doesn't cost 3.14 ½  \n\n"
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。 あいう 😀👩‍🚀 <unk> x\x1cy\u3000z e\u0301 \x00 \n "
)
KINDS = ("char", "word", "bpe")


@pytest.fixture(scope="module", params=KINDS)
def trained(request):
    return train_tokenizer(request.param, TEXT * 3, vocab_size={"bpe": 300}.get(request.param))


def test_decoding_gives_back_the_text(trained):
    assert trained.decode(trained.encode(TEXT)) == TEXT
    assert trained.decode(trained.encode_array(TEXT)) == TEXT
    assert trained.encode("") == []
    assert trained.decode([]) == ""


def test_an_array_holds_the_same_ids_in_the_smallest_type(trained):
    ids = trained.encode_array(TEXT)
    assert ids.tolist() == trained.encode(TEXT) == trained._backend.encode(TEXT).ids
    assert ids.dtype == (np.uint8 if trained.vocab_size <= 256 else np.uint16)
    assert trained.encode_array("").shape == (0,)
    assert max(ids) < trained.vocab_size


def test_offsets_point_into_the_text(trained):
    offsets = trained.offsets(TEXT)
    assert len(offsets) == len(trained.encode(TEXT))
    covered = {place for start, end in offsets for place in range(start, end)}
    assert covered == set(range(len(TEXT)))


def test_a_saved_tokenizer_opens_with_the_same_ids(trained, tmp_path):
    trained.save(tmp_path / "model")
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == ["tokenizer.json", "tokenizer_config.json"]
    opened = Tokenizer.load(tmp_path / "model")
    assert opened.kind == trained.kind
    assert opened.vocab_size == trained.vocab_size
    assert opened.eos_id is None
    assert opened.encode(TEXT) == trained.encode(TEXT)


def test_training_twice_gives_the_same_ids(trained):
    again = train_tokenizer(trained.kind, TEXT * 3, vocab_size={"bpe": 300}.get(trained.kind))
    assert again._backend.to_str() == trained._backend.to_str()


def test_characters_are_ordered_by_code_point():
    assert train_tokenizer("char", "cabab").encode("abc") == [0, 1, 2]


def test_words_are_ordered_by_frequency():
    words = train_tokenizer("word", "to be or not to be, to\nsee")
    assert words.token_texts(range(words.vocab_size)) == [
        "<unk>", "·be", "·to", "⏎", "·not", "·or", ",", "see", "to",
    ]  # fmt: skip


def test_word_pieces():
    words = train_tokenizer("word", TEXT)
    assert words.token_texts(words.encode("the cat's café,\n\n床前明月 doesn't")) == [
        "<unk>", "·cat's", "·café", ",", "⏎", "⏎", "床", "前", "明", "月", "·doesn't",
    ]  # fmt: skip


def test_tokens_are_shown_with_blanks_and_bytes():
    byte_pairs = train_tokenizer("bpe", "the the the", vocab_size=260)
    assert byte_pairs.token_texts(byte_pairs.encode(" the\t中\n")) == ["·the", "⇥", "E4", "B8", "AD", "⏎"]
    characters = train_tokenizer("char", "a \n\t中")
    assert characters.token_texts(characters.encode("中 a\n\t")) == ["中", "·", "a", "⏎", "⇥"]
    assert characters.token_texts([99]) == ["#99"]


def test_bytes_that_end_within_a_character_are_shown_in_hex():
    # Trained on 中 and 丮, which share their first two bytes E4 B8.
    byte_pairs = train_tokenizer("bpe", "中丮" * 5 + " 中", vocab_size=257)
    assert "E4 B8" in byte_pairs.token_texts(range(byte_pairs.vocab_size))


@pytest.mark.parametrize(("kind", "size"), [("char", 12), ("word", 12)])
def test_rare_ones_become_unknown(kind, size):
    limited = train_tokenizer(kind, TEXT, vocab_size=size)
    assert limited.vocab_size == size
    assert limited.missing(TEXT + "龘") == []
    ids = limited.encode(TEXT)
    assert 0 in ids
    assert limited.encode_array(TEXT).tolist() == ids == limited._backend.encode(TEXT).ids


def test_a_vocabulary_is_no_larger_than_the_text_supports():
    assert train_tokenizer("char", "abc", vocab_size=50).vocab_size == 3
    assert train_tokenizer("word", "a b", vocab_size=50).vocab_size == 3
    assert train_tokenizer("bpe", "abab", vocab_size=1000).vocab_size == 258
    assert "258" in say("text.tokenizer_fewer_tokens", "zh", size=258, wanted=1000)


def test_missing_characters_are_named():
    characters = train_tokenizer("char", "to be or not to be")
    assert characters.missing("to see 2 bees ☃") == ["s", "2", "☃"]
    characters.require("bet")
    for attempt in (characters.require, characters.encode, characters.encode_array, characters.offsets):
        with pytest.raises(LearnerError, match="lacks these characters: q ⏎ 龘"):
            attempt("beq\n龘q")
    with pytest.raises(LearnerError, match=r"lacks 13 of the characters, among them: a c d f g h i j k l\."):
        characters.require("abcdefghijklmnopq")
    assert train_tokenizer("bpe", "a").missing("龘☃\x00") == []


def test_half_a_character_is_refused(trained):
    broken = "abc\ud83d"
    for attempt in (trained.encode, trained.encode_array, trained.offsets, trained.missing, trained.require):
        with pytest.raises(LearnerError, match=r"Character 4 .*U\+D83D"):
            attempt(broken)
    with pytest.raises(LearnerError, match=r"U\+D83D"):
        train_tokenizer(trained.kind, broken)


@pytest.mark.parametrize(
    ("kind", "size", "said"),
    [
        ("bpe", 255, "256 or more"),
        ("bpe", 0, "256 or more"),
        ("char", 1, "at least 2"),
        ("word", -3, "at least 2"),
        ("syllable", None, "char, word, bpe or wordpiece"),
    ],
)
def test_impossible_requests_are_refused(kind, size, said):
    with pytest.raises(LearnerError, match=said) as refused:
        train_tokenizer(kind, TEXT, vocab_size=size)
    assert refused.value.say("zh") != str(refused.value)


def test_an_empty_text_is_refused(trained):
    with pytest.raises(LearnerError, match="empty"):
        train_tokenizer(trained.kind, "")


def test_a_folder_without_tokenizer(tmp_path):
    with pytest.raises(LearnerError, match="no tokenizer"):
        Tokenizer.load(tmp_path)
    with pytest.raises(LearnerError, match="no tokenizer"):
        Tokenizer.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b'{"version": "1.0"'])
def test_damaged_files(tmp_path, name, content):
    train_tokenizer("char", "abc").save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LearnerError, match="cannot be read"):
        Tokenizer.load(tmp_path)


def test_special_tokens_come_from_the_config(tmp_path):
    train_tokenizer("bpe", TEXT, vocab_size=280).save(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config |= {"eos_token": {"content": "!"}, "bos_token": "<not in the vocabulary>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    opened = Tokenizer.load(tmp_path)
    assert opened.eos_id == 0
    opened.save(tmp_path / "copy")
    copied = json.loads((tmp_path / "copy" / "tokenizer_config.json").read_text())
    assert copied["eos_token"] == "!"
    assert copied["bos_token"] is None


def test_byte_pairs_can_be_stepped_after_loading(tmp_path):
    train_tokenizer("bpe", "the cat the hat", vocab_size=262).save(tmp_path)
    opened = Tokenizer.load(tmp_path)
    byte_pairs = opened.byte_pairs()
    assert byte_pairs is not None
    *_, last = byte_pairs.steps("the hat")
    assert [byte_pairs.tokens[i] for i in opened.encode("the hat")] == last
    assert train_tokenizer("char", "abc").byte_pairs() is None


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_a_long_text_in_parts_gives_the_ids_of_the_whole(kind, monkeypatch):
    random = np.random.default_rng(0)
    alphabet = [*TEXT, "'ll", " the", "\u180e", "\x85", "\u2028", "\u200b", "  ", "\n"]
    trained = train_tokenizer(kind, TEXT, vocab_size=400)
    for _ in range(300):
        text = "".join(alphabet[i] for i in random.integers(0, len(alphabet), 80))
        whole = trained._backend.encode(text).ids
        assert trained.encode_array(text).tolist() == whole
        parts = list(pieces.cut(text, size=4))
        assert "".join(parts) == text
        assert [i for part in parts for i in trained._backend.encode(part).ids] == whole
    monkeypatch.setattr(tokenizer, "_CHARACTERS_KEPT", 40)
    monkeypatch.setattr(tokenizer, "cut", lambda text, size: pieces.cut(text, size=20))
    assert trained.encode_array(TEXT * 5).tolist() == trained._backend.encode(TEXT * 5).ids


def test_a_text_without_any_place_to_cut_is_cut_all_the_same():
    text = "字" * 1000
    parts = list(pieces.cut(text, size=10, longest=100))
    assert "".join(parts) == text
    assert max(map(len, parts)) == 110


def test_no_torch_and_no_transformers():
    code = (
        "import sys; from llmlab.text.tokenizer import train_tokenizer; import llmlab.text.batches\n"
        "train_tokenizer('bpe', 'a b', vocab_size=256).encode('a')\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
