import json
from pathlib import Path

import pytest

from llmlab.hub import poems
from llmlab.hub.poems import Simplifier, poems_text

FIVE = ["白日依山盡，黃河入海流。", "欲窮千里目，更上一層樓。"]
SEVEN = ["朝辭白帝彩雲間，千里江陵一日還。", "兩岸猿聲啼不住，輕舟已過萬重山。"]
EIGHT = [f"{first}山水風月，{second}花鳥雲雨。" for first, second in ("春夏", "秋冬", "東西", "南北")]
IRREGULAR = [
    ["白日依山盡，黃河入海流。"],  # one couplet
    [*FIVE, "白日依山盡，黃河入海流。"],  # three
    ["白日依山盡，黃河入海□。", FIVE[1]],  # a gap
    ["白日依山盡，黃河入海流（一作長）。", FIVE[1]],  # an editor's note
    ["白日依山盡，黃河入流。", FIVE[1]],  # a character short
    [FIVE[0], SEVEN[0]],  # lines of two lengths
]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    pairs = ["盡\t尽 侭", "黃\t黄", "樓\t楼", "層\t层", "辭\t辞", "雲\t云", "間\t间", "還\t还", "兩\t两", "聲\t声"]
    pairs += ["輕\t轻", "過\t过", "萬\t万", "風\t风", "鳥\t鸟", "東\t东", "窮\t穷", "乾\t干", "鑪\t𬬻", "悞\t悮"]
    (folder / "TSCharacters.txt").write_text("# comment\n" + "\n".join(pairs) + "\n", encoding="utf-8")
    (folder / "TSPhrases.txt").write_text("乾坤\t乾坤\n", encoding="utf-8")
    return folder


def source(folder: Path, *found: list[str]) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    content = json.dumps([{"title": "", "paragraphs": poem} for poem in found])
    (folder / "data" / "poet.tang.0.json").write_text(content, encoding="utf-8")
    return folder / "data"


def test_regular_poems_are_kept_and_simplified(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poems, "RAREST", 1)
    text = poems_text(source(tmp_path, FIVE, SEVEN, EIGHT), tables)
    assert sorted(text.rstrip("\n").split("\n\n")) == sorted(
        [
            "白日依山尽，黄河入海流。\n欲穷千里目，更上一层楼。",
            "朝辞白帝彩云间，千里江陵一日还。\n两岸猿声啼不住，轻舟已过万重山。",
            "\n".join(EIGHT).translate(str.maketrans("風鳥雲東", "风鸟云东")),
        ]
    )


@pytest.mark.parametrize("poem", IRREGULAR, ids="".join)
def test_what_is_irregular_is_left_out(
    poem: list[str], tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poems, "RAREST", 1)
    assert poems_text(source(tmp_path, poem), tables) == ""


def test_a_poem_that_shares_a_couplet_comes_once(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poems, "RAREST", 1)
    other = [FIVE[0], "天地玄黃宇，宙洪荒日月。"]
    text = poems_text(source(tmp_path, FIVE, other, SEVEN), tables)
    assert text.count("\n\n") == 1
    assert "更上一层楼" in text


def test_poems_with_rare_characters_are_left_out(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poems, "RAREST", 2)
    rotated = [f"{second}花鳥雲雨，{first}山水風月。" for first, second in ("春夏", "秋冬", "東西", "南北")]
    text = poems_text(source(tmp_path, EIGHT, rotated, FIVE), tables)
    assert "楼" not in text
    assert text.count("\n\n") == 1


def test_the_order_is_drawn_once_for_all(tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poems, "RAREST", 1)
    many = [
        [f"{a}{b}依山盡，黃河入海流{c}。"[:11] + "。", f"欲窮{a}{b}目，更上一層{c}。"]
        for a in "甲乙丙丁戊"
        for b in "子丑寅"
        for c in "天"
    ]
    folder = source(tmp_path, *many)
    text = poems_text(folder, tables)
    assert text == poems_text(folder, tables)
    firsts = [poem.split("，")[0][:2] for poem in text.split("\n\n")]
    assert len(firsts) == 15
    assert firsts != sorted(firsts, key=[f"{a}{b}" for a in "甲乙丙丁戊" for b in "子丑寅"].index)


def test_simplifying_minds_phrases_variants_and_fonts(tables: Path) -> None:
    simplify = Simplifier(tables)
    assert simplify("乾坤乾") == "乾坤干"
    assert simplify("盡") == "尽"
    assert simplify("疎鴈鑪") == "疏雁炉"  # 鑪 would become a character that few fonts have
    assert simplify("悞") == "误"
