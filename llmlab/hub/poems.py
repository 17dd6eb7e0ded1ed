"""Tang poems from their JSON files to plain text in simplified characters: a couplet a line.

床前看月光，疑是地上霜。
举头望山月，低头思故乡。
"""

import json
import random
import re
from collections import Counter
from pathlib import Path

RAREST = 5
"""Poems with a character seen less often than this are left out: a model could not learn it."""

_VARIANTS = (
    "疎疏鴈雁劒剑猨猿簷檐慙惭徧遍堦阶櫂棹嬾懒斾旆鬬斗蘂蕊媿愧秪只秖只褭袅髪发廻回桮杯煖暖珮佩臯皋暎映隣邻歛敛妬妒飜翻呌叫鏁锁逈迥竝并"
    "倂并罇樽鑪炉棃梨鼇鳌巵卮檝楫趂趁顦憔顇悴僊仙覩睹缾瓶牋笺鵶鸦碁棋隄堤羇羁醆盏毬球燄焰荅答栢柏嚬颦粧妆牓榜蹔暂讐仇筯箸牕窗窓窗窻窗"
    "壻婿麤粗鸎莺邨村帬裙悮误蔕蒂懽欢椀碗盌碗汚污彊强怱匆悤匆緜绵筭算穉稚藂丛欵款畧略飡餐効效虵蛇賸剩勅敕輭软峩峨蕚萼衞卫襃褒塲场嗁啼"
    "胷胸鷰燕蜨蝶嵓岩嵒岩隟隙諠喧箒帚碪砧椶棕犂犁旛幡淛浙遯遁鉏锄搆构蠭蜂輙辄韈袜廐厩毘毗磵涧揜掩"
)
"""Variant characters and the standard ones that school books print, in pairs; OpenCC's tables leave variants alone."""

_COUPLETS = re.compile(
    r"(?:[一-\u9fff]{5}[，？！；、：][一-\u9fff]{5}[。？！]\n){2}(?:(?:[一-\u9fff]{5}[，？！；、：][一-\u9fff]{5}[。？！]\n){2})?"
    r"|(?:[一-\u9fff]{7}[，？！；、：][一-\u9fff]{7}[。？！]\n){2}(?:(?:[一-\u9fff]{7}[，？！；、：][一-\u9fff]{7}[。？！]\n){2})?"
)


def poems_text(folder: Path, tables: Path) -> str:
    """The regular poems under `folder`, in an order drawn once for all, a blank line between poems.

    Regular: 2 or 4 couplets of five or of seven characters a line, so nothing with gaps (□), editors' notes or
    missing lines. A poem that repeats a couplet of an earlier one is left out (the collections overlap).
    `tables` holds OpenCC's TSCharacters.txt and TSPhrases.txt.
    """
    files = sorted(folder.rglob("poet.tang.*.json"), key=lambda path: int(path.name.split(".")[2]))
    simplify = Simplifier(tables)
    poems: list[str] = []
    seen: set[str] = set()
    for path in files:
        for found in json.loads(path.read_text(encoding="utf-8")):
            poem = "".join(f"{line}\n" for line in found["paragraphs"])
            if not _COUPLETS.fullmatch(poem):
                continue
            poem = simplify(poem)
            couplets = set(poem.split())
            if not couplets & seen:
                poems.append(poem)
            seen |= couplets
    counts = Counter("".join(poems))
    rare = {character for character, count in counts.items() if count < RAREST}
    kept = [poem for poem in poems if rare.isdisjoint(poem)]
    random.Random(0).shuffle(kept)
    return "\n".join(kept)


class Simplifier:
    """Traditional to simplified characters by OpenCC's tables: the longest phrase first, else one by one.

    A character whose simplified form lies outside the Basic Multilingual Plane stays as it is: few fonts can show it.
    """

    def __init__(self, tables: Path) -> None:
        phrases = _table(next(tables.rglob("TSPhrases.txt")))
        self._phrases = {old: new for old, new in phrases.items() if len(old) > 1}
        variants = dict(zip(_VARIANTS[::2], _VARIANTS[1::2], strict=True))
        characters = _table(next(tables.rglob("TSCharacters.txt")))
        shown = {old: variants.get(new, new) for old, new in characters.items() if new < "\U00010000"}
        self._characters = str.maketrans(variants | shown)
        longest_first = sorted(self._phrases, key=len, reverse=True)
        self._split = re.compile(f"({'|'.join(map(re.escape, longest_first))})")

    def __call__(self, text: str) -> str:
        pieces = self._split.split(text)
        return "".join(self._phrases.get(piece) or piece.translate(self._characters) for piece in pieces)


def _table(path: Path) -> dict[str, str]:
    """`traditional<TAB>simplified alternatives`, of which the first is the common one; comments start with `#`."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {row[0]: row[1].split(" ")[0] for row in rows if len(row) == 2}
