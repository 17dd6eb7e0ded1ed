"""What the Embeddings page maps: which vectors of the model, and of which words and sentences."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from llmlab.i18n import Language
from llmlab.ui import opened
from llmlab.ui.language import language, say

if TYPE_CHECKING:
    from llmlab.text.tokenizer import Tokenizer
    from llmlab.widgets.embedding_map import EmbeddingMap

READING: tuple[tuple[Language, str], ...] = (
    (
        "en",
        "The king is dead, long live the king.\nThe queen loves her daughter and her son.\n"
        "A dog runs after the cat in the garden.\nThe old cat sleeps under the table.",
    ),
    (
        "zh",
        "国王死了，国王万岁。\n王后爱她的女儿和儿子。\n一只狗在花园里追猫。\n那只老猫睡在桌子底下。",
    ),
    ("zh", "国王有一只猫，王后有一只狗。\n那只狗在花园里追猫。\n老猫睡在椅子下面。\n小猫睡在柜子后面。"),
    ("zh", "床前明月光，疑是地上霜。举头望明月，低头思故乡。\n白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"),
)
WORDS: tuple[tuple[Language, str, str], ...] = (
    (
        "en",
        "bank",
        "We sat on the bank of the river and looked at the water.\nThe boat lay on the muddy bank all winter.\n"
        "Flowers grow along the bank of the stream.\n\nShe keeps all her money in the bank.\n"
        "The bank lent him gold at a high rate.\nThe clerk at the bank counted the coins.",
    ),
    (
        "zh",
        "苹果",
        "他买了一斤苹果和两斤梨。\n苹果树今年结满了果子。\n这个苹果又红又甜。\n\n"
        "苹果发布了新款手机。\n苹果公司的股价上涨了。\n他用苹果电脑写程序。",
    ),
    (
        "zh",
        "月",
        "今晚的月很圆。\n月从山后面出来了。\n湖里有月的影子。\n\n五月的风很轻。\n九月里下了一场雨。\n三月的早晨还很冷。",
    ),
    (
        "zh",
        "行",
        "两个黄鹂鸣翠柳，一行白鹭上青天。\n雁引愁心去，山衔好月来，一行书不寄。\n\n"
        "千山鸟飞绝，万径人踪灭，独行寒江雪。\n行到水穷处，坐看云起时。\n客路青山外，行舟绿水前。",
    ),
)
SENTENCES: tuple[tuple[Language, str], ...] = (
    (
        "en",
        "The cat sleeps on the sofa.\nA dog runs through the park.\nThe bird sings in the tree.\n\n"
        "He pays the bill with a card.\nShe saves her money every month.\nThe price of bread has risen.\n\n"
        "It will rain all day tomorrow.\nThe wind is cold this morning.\nSnow fell on the mountains at night.",
    ),
    (
        "zh",
        "猫在沙发上睡觉。\n一只狗跑过公园。\n鸟儿在树上唱歌。\n\n他用银行卡付账。\n她每个月都存钱。\n面包又涨价了。\n\n"
        "明天全天有雨。\n今天早上的风很冷。\n夜里山上下了雪。",
    ),
    (
        "zh",
        "猫在椅子上睡着了。\n一只狗在花园里追猫。\n老鼠藏在柜子后面。\n\n"
        "他用钱买了一壶茶。\n她把苹果卖给了王后。\n面粉又涨价了。\n\n"
        "今天早上的风很冷。\n夜里山上下了雪。\n早晨起了雾。",
    ),
    (
        "zh",
        "床前明月光，疑是地上霜。\n海上生明月，天涯共此时。\n明月松间照，清泉石上流。\n\n"
        "春眠不觉晓，处处闻啼鸟。\n春风又绿江南岸，明月何时照我还。\n野火烧不尽，春风吹又生。",
    ),
)
FIRST_WORDS: dict[Language, tuple[str, ...]] = {"en": ("·king", "king"), "zh": ("国王", "·国王", "月")}
"""What a map of tokens opens on, where the vocabulary has it: words whose neighbours anybody can judge."""
EXAMPLES = {"reading": READING, "sentences": SENTENCES}
SIZES = (1_000, 5_000, 20_000)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be mapped."""

    of: str
    """"tokens", "reading", "word", "sentences" or "training"."""
    text: str = ""
    word: str = ""
    most: int = 5_000
    also: tuple[int, ...] = ()
    """Ids of tokens that the reader added to the most frequent."""
    prefix: str = ""
    """What an encoder of sentences was trained to find before each."""
    run: str = ""
    """Folder of the run whose steps are mapped."""

    @property
    def code(self) -> str:
        """The line that makes these points in a notebook."""
        lines = f"{self.text!r}.splitlines()"
        also = f", also={list(self.also)}" if self.also else ""
        prefix = f", prefix={self.prefix!r}" if self.prefix else ""
        return {
            "tokens": f"points = embeddings.token_points(model, tokenizer, most={self.most}{also})",
            "reading": f"points = embeddings.reading_points(model, tokenizer, {lines})",
            "word": f"points = embeddings.word_points(model, tokenizer, {lines}, {self.word!r})",
            "sentences": f"points = embeddings.sentence_points(model, tokenizer, {lines}{prefix})",
            "training": f"points = embeddings.training_points({self.run!r}, tokenizer)",
        }[self.of]


def choose(chosen: opened.Choice, tokenizer: "Tokenizer") -> Wanted:
    """The one primary control, and the text where there is one."""
    offered = ["tokens", "reading", "word", "sentences"]
    if chosen.run is not None and len(list((chosen.run / "probes").glob("step-*.npz"))) > 1:
        offered.append("training")
    # Written by hand: `bind` would write the words of one language into the address.
    asked = st.session_state.get("embeddings_of") or st.query_params.get("of")
    st.session_state["embeddings_of"] = asked if asked in offered else "tokens"
    of = st.segmented_control(
        say("ui_embeddings.of"),
        offered,
        key="embeddings_of",
        required=True,
        format_func=lambda name: say(f"ui_embeddings.of_{name}"),
        label_visibility="collapsed",
        persist_state="session",
    )
    of = of or "tokens"
    if st.query_params.get("of") != of:
        st.query_params["of"] = of
    if of in EXAMPLES:
        text = _text(of, *_readable(EXAMPLES[of], tokenizer))
        return Wanted(of=of, text=text, prefix=_prefix(chosen) if of == "sentences" else "")
    if of == "word":
        example, word, text = _readable(WORDS, tokenizer)
        left, right = st.columns([4, 1])
        with left:
            text = _text(of, example, text)
        word = right.text_input(
            say("ui_embeddings.word"), word, max_chars=40, key=f"named_{example}", bind="query-params"
        )
        return Wanted(of=of, text=text, word=word or "")
    if of == "training":
        return Wanted(of=of, run=str(chosen.run))
    # The control stands below the map: on a first visit only the address knows what it will say.
    most = str(st.session_state.get("most") or st.query_params.get("most")).replace(",", "")  # as the control writes it
    return with_added(chosen, Wanted(of=of, most=int(most) if most in map(str, SIZES) else 5_000))


def _prefix(chosen: opened.Choice) -> str:
    """What the model was trained to find before each sentence; the reader is told that it is put there."""
    from llmlab import hub

    known = {entry.name: entry.sentence_prefix for entry in hub.entries("model")}
    prefix = "" if chosen.own else known.get(chosen.name, "")
    if prefix:
        st.caption(say("ui_embeddings.prefix", prefix=prefix.strip()))
    return prefix


def with_added(chosen: opened.Choice, wanted: Wanted) -> Wanted:
    """The same with what the reader has added to the map in this session."""
    also = st.session_state.get(opened.widget_key("embeddings_also", chosen), ())
    return replace(wanted, also=also) if wanted.of == "tokens" else wanted


def adding(chosen: opened.Choice, wanted: Wanted, token: int) -> Wanted:
    """The same with a token that the reader adds to the map, kept for the session."""
    key = opened.widget_key("embeddings_also", chosen)
    st.session_state[key] = (*st.session_state.get(key, ()), token)
    return with_added(chosen, wanted)


def _readable(examples: Any, tokenizer: "Tokenizer") -> Any:
    """The first example whose characters the tokenizer knows, those in the reader's language first."""
    order = sorted(examples, key=lambda example: example[0] != language())
    known = [example for example in order if not tokenizer.missing("".join(example[1:]).replace("\n", ""))]
    name, *texts = (known or order)[0]
    return f"{name}_{examples.index((name, *texts))}", *texts


def _text(of: str, example: str, text: str) -> str:
    written = st.text_area(
        say(f"ui_embeddings.text_{of}"),
        text,
        height=68,
        max_chars=30_000,
        key=f"{of}_{example}",
        bind="query-params",
    )
    return written or ""


def first_word(made: "EmbeddingMap") -> str:
    """The token that a map of tokens opens on; "" where the widget chooses."""
    vocabulary = made.points.vocabulary
    known = vocabulary.names if vocabulary is not None else ()
    return next((word for word in FIRST_WORDS[language()] if word in known), "")


def how_many(chosen: opened.Choice, wanted: Wanted) -> None:
    """How many tokens are mapped, where there are more than the smallest choice."""
    model, _ = opened.open_model(chosen)
    if wanted.of == "tokens" and model.config.vocab_size > SIZES[0]:
        st.segmented_control(
            say("ui_embeddings.most"),
            SIZES,
            key="most",
            default=5_000,
            required=True,
            format_func=lambda n: f"{n:,}",
            bind="query-params",
        )


def map_of(chosen: opened.Choice, wanted: Wanted) -> "EmbeddingMap":
    """The map of what is wanted; made once for every session. Raises LearnerError as `llmlab.lens.embeddings` does."""
    return _map_of(chosen, str(chosen.folder), (chosen.folder / "config.json").stat().st_mtime_ns, wanted)


@st.cache_resource(max_entries=12, show_spinner=False)
def _map_of(_chosen: opened.Choice, folder: str, stamp: int, wanted: Wanted) -> "EmbeddingMap":
    from llmlab.lens import embeddings
    from llmlab.widgets.embedding_map import EmbeddingMap

    model, tokenizer = opened.open_model(_chosen)
    lines = wanted.text.splitlines()
    if wanted.of == "reading":
        points = embeddings.reading_points(model, tokenizer, lines)
    elif wanted.of == "word":
        points = embeddings.word_points(model, tokenizer, lines, wanted.word)
    elif wanted.of == "sentences":
        points = embeddings.sentence_points(model, tokenizer, lines, prefix=wanted.prefix)
    elif wanted.of == "training" and _chosen.run is not None:
        points = embeddings.training_points(_chosen.run, tokenizer, _counts(_chosen, tokenizer))
    else:
        counts = _counts(_chosen, tokenizer)
        points = embeddings.token_points(model, tokenizer, most=wanted.most, counts=counts, also=wanted.also)
    return EmbeddingMap(points)


def _counts(chosen: opened.Choice, tokenizer: "Tokenizer") -> list[int] | None:
    """How often each token occurs in the text that the model learned from, where that text lies on this machine."""
    import numpy as np

    from llmlab import hub
    from llmlab.lens.embeddings import token_counts

    if chosen.run is not None and (chosen.run / "data" / "tokens.npy").is_file():
        return token_counts(np.load(chosen.run / "data" / "tokens.npy", mmap_mode="r"), tokenizer.vocab_size)
    corpus = chosen.name.removesuffix("-gpt")
    if chosen.own or corpus not in [entry.name for entry in hub.entries("corpus")] or not hub.is_local(corpus):
        return None
    return token_counts(tokenizer.encode_array(hub.corpus_text(corpus)), tokenizer.vocab_size)
