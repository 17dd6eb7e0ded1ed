import json
import random

import pytest
from charset_normalizer import from_bytes

from llmlab.i18n import LearnerError
from llmlab.text import files
from llmlab.text.files import check_corpus, decode, read_text, text_of

CHINESE = "春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 4
FRENCH = "Le café est très bon, et la crème brûlée déjà servie à l'hôtel.\n" * 3
RUSSIAN = "Привет, мир! Это простой русский текст для проверки кодировки.\n" * 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "utf-8"),
        (CHINESE, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "utf-32"),
        (CHINESE, "gb18030"),
        ("今天天气很好。", "gb18030"),
        (CHINESE * 5000, "gb18030"),
        ("床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。\n" * 5, "big5"),
        ("plain words\nand a line", "utf-16-le"),
        (JAPANESE, "shift-jis"),
        (JAPANESE, "euc-jp"),
        ("안녕하세요. 오늘은 날씨가 좋습니다.\n" * 3, "cp949"),
        (FRENCH, "latin-1"),
        (FRENCH * 5000, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        ("🙂🦊🌧️ 👩‍🚀 家\n", "utf-8"),
    ],
)
def test_encodings_are_told_apart(tmp_path, text, encoding):
    file = tmp_path / "poem.txt"
    file.write_bytes(text.encode(encoding))
    assert read_text(file) == text


def test_newlines_become_one_kind(tmp_path):
    file = tmp_path / "a.unknown"
    file.write_bytes(b"one\r\ntwo\rthree\n")
    assert read_text(str(file)) == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("data", "phrase"),
    [
        (b"", "text.empty"),
        (b" \n\t\n", "text.empty"),
        (b"\xef\xbb\xbf", "text.empty"),
        (b"x\n", "text.one_character"),
        (b"aaaa\naaaa\n", "text.one_symbol"),
        ("🙂🙂🙂".encode(), "text.one_symbol"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0", "text.binary"),
        (bytes(range(256)) * 4, "text.binary"),
        (bytes(range(1, 32)) * 4, "text.binary"),
        (b"\xff\xfea\0b", "text.binary"),
        (b"\xff\xfe\x00\xd8", "text.binary"),
        (b"\xff\xfe\xfa\xfbabc", "text.undecodable"),
        (b"hello \xff\xfe world\n" * 20, "text.undecodable"),
        (b"\xc3\x28" * 100, "text.undecodable"),
        (bytes(range(128, 256)) * 10, "text.undecodable"),
        (random.Random(0).randbytes(3000), "text.binary"),
        (random.Random(0).randbytes(3000).replace(b"\0", b""), "text.undecodable"),
        ((CHINESE * 9).encode()[:-2], "text.broken_utf8"),
    ],
)
def test_what_is_no_text_is_refused_in_both_languages(data, phrase):
    with pytest.raises(LearnerError) as caught:
        text_of(data, "mine.txt")
    assert caught.value.phrase == phrase
    assert "mine.txt" in str(caught.value) or caught.value.parameters.keys() == {"symbol"}
    assert caught.value.say("zh") != str(caught.value)


def test_broken_utf8_names_the_line():
    data = CHINESE.encode() + "第三行".encode() + b"\xe6\n" + CHINESE.encode()
    with pytest.raises(LearnerError, match="line 3"):
        text_of(data, "mine.txt")


def test_files_that_cannot_be_opened(tmp_path):
    for path, phrase in ((tmp_path / "none.txt", "text.missing"), (tmp_path, "text.folder")):
        with pytest.raises(LearnerError) as caught:
            read_text(path)
        assert caught.value.phrase == phrase
        assert str(path) in caught.value.say("zh")


def test_what_teaches_nothing_can_still_be_scored():
    assert text_of(b"aaaa", "mine.txt", for_training=False) == "aaaa"


@pytest.mark.parametrize("text", ["ab", "a" * 5000 + "b", "a " * 3 + "é", "🙂🦊"])
def test_two_symbols_are_enough_to_learn_from(text):
    check_corpus(text)


def test_a_sample_is_enough_to_tell_the_encoding_of_a_big_file(monkeypatch):
    seen = []
    monkeypatch.setattr(
        files, "from_bytes", lambda data, **options: seen.append(len(data)) or from_bytes(data, **options)
    )
    assert decode((CHINESE * 50_000).encode("gb18030"), "big.txt") == CHINESE * 50_000
    assert seen[0] <= files.SAMPLE_BYTES


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("named.csv", 'id,review,stars\n1,"Good, really",5\n2,"Two\nlines",1\n', "Good, really\nTwo\nlines"),
        ("named.csv", "标题,内容\n甲,今天很好\n乙,明天更好\n", "今天很好\n明天更好"),
        ("two.csv", "text,label,comment\na fox,1,so small\na hen,0,\n", "a fox\nso small\na hen"),
        ("semicolons.csv", "text;n\nfirst, second;1\nthird;2\n", "first, second\nthird"),
        ("tabs.tsv", "n\tbody\n1\tone two\n2\tthree\n", "one two\nthree"),
        ("unnamed.csv", "n,line\n1,the fox went home\n2,the hen stayed in\n", "the fox went home\nthe hen stayed in"),
        ("headless.csv", "1,the fox went home\n2,the hen stayed in\n", "the fox went home\nthe hen stayed in"),
        ("column.csv", "the fox\nthe hen\nthe owl\n", "the fox\nthe hen\nthe owl"),
        (
            "prose.csv",
            "one, two\nthree\nfour, five, six\na, b, c, d\n",
            "one, two\nthree\nfour, five, six\na, b, c, d\n",
        ),
    ],
)
def test_tables_give_their_text_columns(name, content, expected):
    assert text_of(content.encode(), name) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": 7, "text": "a fox", "lang": "en"}, "a fox"),
        ({"content": "内容"}, "内容"),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}, "Hi\nHello"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Look"}]}]}, "Look"),
        ({"conversations": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}]}, "问\n答"),
        ({"question": "Why?", "n": 3, "answer": ["So.", "Yes."]}, "Why?\nSo.\nYes."),
        ("just a string", "just a string"),
    ],
)
def test_json_lines_give_their_text(record, expected):
    lines = json.dumps(record) + "\n\n" + json.dumps(record, ensure_ascii=False) + "\n"
    assert text_of(lines.encode(), "records.jsonl") == expected + "\n" + expected


def test_a_broken_json_line_is_named():
    with pytest.raises(LearnerError, match=r"Line 3 of records\.jsonl"):
        text_of(b'{"text": "a"}\n\n{"text": \n', "records.jsonl")


def test_tables_and_records_without_text_are_empty():
    for name, data in (("a.csv", b"\n\n"), ("a.jsonl", b'{"n": 1}\n'), ("a.csv", b"text,n\n,3\n")):
        with pytest.raises(LearnerError) as caught:
            text_of(data, name)
        assert caught.value.phrase == "text.empty"
