"""Tokenizers against their authorities: the merges and ids of `tokenizers`, and what transformers makes of a folder."""

import json
import random

import pytest
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from llmlab.generation.reading import prompt_ids
from llmlab.text.bpe import train_bpe, visible
from llmlab.text.tales import write_tales
from llmlab.text.tokenizer import Tokenizer, train_tokenizer

POEM = "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。\n空山不见人，但闻人语响。\n返景入深林，复照青苔上。\n"
TEXT = "The cat's café\t😀\r\n  x  y \n\n床前明月光 . don't 3.14 , ½ <unk> </s><|endoftext|> e\u0301 \x1c\u3000 \n "


def _emoji(n: int) -> str:
    choose = random.Random(0)
    faces = [chr(0x1F600 + i) for i in range(60)] + ["👩‍🚀", "🇨🇳", " ", "\n"]
    return "".join(choose.choice(faces) for _ in range(n))


def _characters(alphabet: str, n: int) -> str:
    choose = random.Random(n)
    return "".join(choose.choice(alphabet) for _ in range(n))


CORPORA = {
    "English": write_tales("en", characters=60_000) + TEXT,
    "Chinese": write_tales("zh", characters=30_000) + POEM * 3,
    "emoji": _emoji(5_000),
    "many equal counts": _characters("abc ", 3_000),
    "repetition": "a" * 41 + " " + _characters("ab", 500) + "  \n\n" * 7 + "aaaa " * 9,
}


def _library(text: str, vocab_size: int) -> tokenizers.Tokenizer:
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    theirs.train_from_iterator([text], trainer)
    return theirs


@pytest.mark.parametrize("vocab_size", [256 + 256, 256 + 900])
@pytest.mark.parametrize("name", CORPORA)
def test_merges_ids_and_encodings_of_the_library(name, vocab_size):
    text = CORPORA[name]
    theirs = _library(text, vocab_size)
    ours = train_bpe(text, vocab_size)
    assert len(ours.merges) >= 140
    merges = [[visible(ours.tokens[left]), visible(ours.tokens[right])] for left, right in ours.merges]
    assert merges == json.loads(theirs.to_str())["model"]["merges"]
    assert ours.vocabulary() == theirs.get_vocab()

    carried = train_tokenizer("bpe", text, vocab_size=vocab_size)
    assert carried.encode(text) == theirs.encode(text).ids
    for sample in (text[:400], TEXT, POEM):
        assert carried.encode(sample) == theirs.encode(sample).ids
        assert carried.decode(carried.encode(sample)) == sample
        *_, last = ours.steps(sample)
        assert last == [ours.tokens[i] for i in theirs.encode(sample).ids]


MODEL_TYPES = {"qwen3": "Qwen3ForCausalLM", "gpt2": "GPT2LMHeadModel", "llama": "LlamaForCausalLM", None: None}


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
def test_transformers_opens_a_folder_with_the_same_ids(kind, model_type, tmp_path):
    from transformers import AutoTokenizer

    text = CORPORA["English"][-20_000:] + POEM
    ours = train_tokenizer(kind, text, vocab_size=600)
    ours.save(tmp_path)
    if model_type:
        config = {"model_type": model_type, "architectures": [MODEL_TYPES[model_type]], "vocab_size": ours.vocab_size}
        (tmp_path / "config.json").write_text(json.dumps(config | {"bos_token_id": None, "eos_token_id": None}))
    theirs = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)

    encoded = theirs(text)
    assert encoded["input_ids"] == ours.encode(text) == ours.encode_array(text).tolist()
    assert set(encoded) == {"input_ids", "attention_mask"}
    assert theirs.decode(encoded["input_ids"]) == ours.decode(ours.encode(text))
    assert kind == "word" or theirs.decode(encoded["input_ids"]) == text
    assert len(theirs) == ours.vocab_size
    assert theirs.bos_token is None
    assert theirs.eos_token is None

    theirs.save_pretrained(tmp_path / "again")
    assert Tokenizer.load(tmp_path / "again").encode(text) == ours.encode(text)


def _wordpiece() -> tokenizers.Tokenizer:
    bert = tokenizers.Tokenizer(models.WordPiece({}, unk_token="[UNK]"))
    bert.normalizer = normalizers.BertNormalizer()
    bert.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    bert.decoder = decoders.WordPiece()
    bert.train_from_iterator(
        [CORPORA["English"]], trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[UNK]"], show_progress=False)
    )
    return bert


def _sentencepiece() -> tokenizers.Tokenizer:
    vocabulary = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *sorted({*CORPORA["English"], "▁"})]
    pairs = [("t", "h"), ("th", "e"), ("▁", "the"), ("a", "n"), ("an", "d"), ("▁", "and"), ("▁", "▁")]
    vocab = {token: i for i, token in enumerate([*vocabulary, *(left + right for left, right in pairs)])}
    llama = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=pairs, byte_fallback=True, unk_token="<unk>"))
    llama.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    llama.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return llama


@pytest.mark.parametrize("make", [_wordpiece, _sentencepiece])
def test_foreign_tokenizers(make, tmp_path):
    theirs = make()
    theirs.enable_truncation(5)
    theirs.save(str(tmp_path / "tokenizer.json"))
    theirs.no_truncation()
    ours = Tokenizer.load(tmp_path)
    assert ours.kind == ("wordpiece" if make is _wordpiece else "other")
    text = CORPORA["English"][:40_000]
    whole = theirs.encode(text, add_special_tokens=False).ids
    assert ours.encode(text) == whole
    assert ours.encode_array(text).tolist() == whole
    assert ours.missing(text + "龘 \x00") == []


def test_sentencepiece_tokens_are_shown(tmp_path):
    _sentencepiece().save(str(tmp_path / "tokenizer.json"))
    ours = Tokenizer.load(tmp_path)
    shown = ours.token_texts(ours.encode("the 龘"))
    assert "".join(shown).startswith("·the")
    assert shown[-3:] == ["E9", "BE", "98"]


def test_a_folder_with_only_the_older_files(tmp_path):
    """`vocab.json` and `merges.txt`, as GPT-2 was published: transformers opens them for us."""
    ours = train_bpe(CORPORA["English"], 600)
    merges = [f"{visible(ours.tokens[left])} {visible(ours.tokens[right])}" for left, right in ours.merges]
    vocabulary = ours.vocabulary() | {"<|endoftext|>": 600}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges), encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "bos_token_id": 0, "eos_token_id": 0}))
    opened = Tokenizer.load(tmp_path)
    assert opened.kind == "bpe"
    assert opened.eos_id == 600
    expected = train_tokenizer("bpe", CORPORA["English"], vocab_size=600)
    for text in (CORPORA["English"][:3_000], POEM):
        assert opened.encode(text) == opened.encode_array(text).tolist() == expected.encode(text)
    assert opened.decode(opened.encode(POEM)) == POEM
    opened.save(tmp_path / "copy")
    copied = Tokenizer.load(tmp_path / "copy")
    assert copied.encode(POEM + "<|endoftext|>") == [*expected.encode(POEM), 600]
    assert copied.eos_id == 600


TEMPLATE = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
AFTER = processors.TemplateProcessing(single="$A <s>", special_tokens=[("<s>", 0)])


@pytest.mark.parametrize(
    "after",
    [None, TEMPLATE, processors.Sequence([processors.ByteLevel(), TEMPLATE])],
    ids=["none", "llama", "sequence"],
)
def test_a_prompt_begins_with_the_tokens_with_which_transformers_begins_it(tmp_path, after):
    from transformers import AutoTokenizer

    backend = tokenizers.Tokenizer(models.BPE(vocab={"<s>": 0, "a": 1, "b": 2}, merges=[]))
    backend.add_special_tokens(["<s>"])
    if after is not None:
        backend.post_processor = after
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"}'
    )
    theirs = AutoTokenizer.from_pretrained(tmp_path)("abba")["input_ids"]
    ours = Tokenizer.load(tmp_path)
    assert prompt_ids(ours, "abba") == theirs
    assert prompt_ids(ours, [1, 2]) == [1, 2]
    assert ours.encode("abba") == [1, 2, 2, 1]
    if after is not None:
        assert prompt_ids(ours, "") == [0]
        backend.post_processor = AFTER
        assert Tokenizer(backend).opening_ids == []
