"""Tokenizers: text to ids and back. Trained here, or read from any folder that transformers opens.

Whatever its kind, a tokenizer is carried by the `tokenizers` library and saved as the two files that transformers
reads: `tokenizer.json` and `tokenizer_config.json`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from llmlab.i18n import LearnerError
from llmlab.text.bpe import ALPHABET, BPE, BYTES, train_bpe, visible
from llmlab.text.character import EVERY_CHARACTER, CharacterLookup, build_character
from llmlab.text.display import show_bytes, show_sentencepiece, show_text
from llmlab.text.folder import open_folder, opening_ids, special_id, write_folder
from llmlab.text.pieces import CHUNKS, cut
from llmlab.text.word import WORD_PATTERN, build_word
from llmlab.text.wordpiece import SPECIAL, build_wordpiece

TrainableKind = Literal["char", "word", "bpe", "wordpiece"]
Kind = Literal["char", "word", "bpe", "wordpiece", "other"]

DEFAULT_SIZES = {"word": 4096, "bpe": 1024, "wordpiece": 2048}
"""Vocabulary sizes where none is asked for; a character tokenizer takes every character of the text."""

SPECIAL_TOKENS = dict(zip((f"{name}_token" for name in ("pad", "unk", "cls", "sep", "mask")), SPECIAL, strict=True))
"""Of a word-piece tokenizer, as tokenizer_config.json names them."""

_NAMED = 10
_PARTS_AT_A_TIME = 32
_CHARACTERS_KEPT = 3_000_000


@dataclass(frozen=True)
class Framed:
    """A text or a pair as its model reads it: all lists have one entry a token, the special ones included."""

    ids: list[int]
    segments: list[int]
    """What the model is told (`token_type_ids`); some families tell it 0 throughout."""
    spans: list[tuple[int, int]]
    """Where each stands in its text; (0, 0) for special tokens."""
    texts: list[int]
    """0 for the first text, 1 for the second; a special token belongs to the text before it."""


class Tokenizer:
    """A tokenizer of any kind. `kind` tells how it cuts: by character, word, byte pairs, word pieces, or otherwise
    ("other").
    """

    def __init__(self, backend: tokenizers.Tokenizer, config: dict[str, Any] | None = None) -> None:
        self._backend = backend
        self._config = config or {}
        description = json.loads(backend.to_str())
        self._model: dict[str, Any] = description["model"]
        self.kind: Kind = _kind(description)
        vocab = backend.get_vocab(with_added_tokens=True)
        self.vocab_size: int = max(vocab.values(), default=-1) + 1
        """One more than the largest id: the rows that an embedding needs."""
        self.eos_id, self.mask_id, self.cls_id, self.sep_id, self.pad_id = (
            special_id(backend, self._config, f"{name}_token") for name in ("eos", "mask", "cls", "sep", "pad")
        )
        self.opening_ids = opening_ids(description["post_processor"])
        """The special tokens with which every text begins for the models that use this tokenizer; mostly none."""
        self._added = {i: token.content for i, token in backend.get_added_tokens_decoder().items()}
        self._in_bytes = '"ByteLevel"' in json.dumps([description["pre_tokenizer"], description["decoder"]])
        self._lookup = CharacterLookup(vocab) if self.kind == "char" and not self._added else None
        self._dtype = np.min_scalar_type(max(self.vocab_size - 1, 0))

    @property
    def special_tokens(self) -> dict[str, str]:
        """The tokens with a role, by role: `bos_token`, `eos_token` …"""
        from llmlab.text.folder import special_tokens

        return special_tokens(self._backend, self._config)

    @property
    def chat_template(self) -> str | None:
        """How a conversation is written for this model; see `text.chat`."""
        return cast(str | None, self._config.get("chat_template"))

    @chat_template.setter
    def chat_template(self, template: str | None) -> None:
        self._config["chat_template"] = template

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without special tokens added. Raises LearnerError naming characters it cannot encode."""
        if self._lookup is not None:
            return cast(list[int], self.encode_array(text).tolist())
        return self._encoding(text).ids

    def encode_framed(self, text: str) -> list[int]:
        """The ids with the special tokens that its own template puts around a text, such as `[CLS]` and `[SEP]`."""
        return self.frame(text).ids

    def frame(self, text: str, second: str | None = None) -> "Framed":
        """A text, or a pair of texts, between the special tokens that its own template puts around them."""
        for one in (text, second or ""):
            _check_encodable(one)
        try:
            made = self._backend.encode(text, second, add_special_tokens=True)
        except Exception:  # the library raises bare Exception for a character without id
            self.require(text + (second or ""))
            raise
        return Framed(made.ids, made.type_ids, made.offsets, _texts(made.sequence_ids))

    def encode_array(self, text: str) -> np.ndarray:
        """The same ids as an array of the smallest of uint8, uint16 and uint32 that holds them.

        Long texts go in parts, in bounded memory. Foreign tokenizers that mark the beginning of every text (Llama's
        does) mark that of each part too: one id more per million characters.
        """
        if self._lookup is not None:
            found = self._lookup.encode(text, self._dtype)
            if found is None:
                self.require(text)
                raise AssertionError("a character without id that is not missing")
            return found
        _check_encodable(text)
        arrays = self._by_lines(text) if self.kind == "other" else self._by_chunks(text)
        return np.concatenate([np.empty(0, dtype=self._dtype), *arrays])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; bytes that are no whole character become U+FFFD."""
        return self._backend.decode([int(i) for i in ids], skip_special_tokens=False)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Where each token stands in `text`: first character and one past the last.

        Tokens that are bytes of one character all point to that character.
        """
        return self._encoding(text).offsets

    def token_texts(self, ids: Iterable[int]) -> list[str]:
        """Each token as it is shown: a space as `·`, a line break as `⏎`, bytes that are no character in hex (`E4`)."""
        return [self._shown(int(i)) for i in ids]

    def missing(self, text: str) -> list[str]:
        """The characters of `text` that it cannot encode, in order of appearance; none where there is an `<unk>`."""
        _check_encodable(text)
        return [character for character in dict.fromkeys(text) if not self._can_encode(character)]

    def require(self, text: str) -> None:
        """Raise LearnerError naming the characters of `text` that are missing, if any."""
        if missing := self.missing(text):
            named = " ".join(show_text(character) for character in missing[:_NAMED])
            phrase = "text.tokenizer_missing" if len(missing) <= _NAMED else "text.tokenizer_missing_many"
            raise LearnerError(phrase, characters=named, count=len(missing))

    def byte_pairs(self) -> BPE | None:
        """For a byte-pair tokenizer its tokens and merges, to see how a word is put together (`BPE.steps`)."""
        if self.kind != "bpe":
            return None
        vocab: dict[str, int] = self._model["vocab"]
        tokens = [b""] * self.vocab_size
        for token, i in vocab.items():
            tokens[i] = bytes(BYTES[character] for character in token) if BYTES.keys() >= set(token) else token.encode()
        merges = tuple((vocab[left], vocab[right]) for left, right in self._model["merges"])
        return BPE(tokens=tuple(tokens), merges=merges)

    def save(self, folder: str | Path) -> None:
        """Write the files from which transformers' AutoTokenizer, and `load`, give the same ids."""
        write_folder(self._backend, self._config, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open the tokenizer of a folder. Raises LearnerError when there is none or its files are damaged."""
        return cls(*open_folder(Path(folder)))

    def _encoding(self, text: str) -> tokenizers.Encoding:
        _check_encodable(text)
        try:
            return self._backend.encode(text, add_special_tokens=False)
        except Exception:  # the library raises bare Exception for a character without id
            self.require(text)
            raise

    def encode_parts(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text by itself."""
        for text in texts:
            _check_encodable(text)
        return [np.array(ids, dtype=self._dtype) for ids in self._encode_parts(texts)]

    @property
    def special_ids(self) -> list[int]:
        """Ids of tokens that stand for no text, such as [MASK]."""
        return sorted(self._added)

    def _by_chunks(self, text: str) -> Iterator[np.ndarray]:
        """Ids part by part, each distinct chunk encoded once: the library spends its time on cutting, over and over."""
        known: dict[str, list[int]] = {}
        kept = 0
        for part in cut(text, size=1 << 18):
            chunks = CHUNKS.findall(part)
            new = list(set(chunks).difference(known))
            if kept > _CHARACTERS_KEPT:
                known, new, kept = {}, list(set(chunks)), 0
            kept += sum(map(len, new))
            known |= zip(new, self._encode_parts(new), strict=True)
            yield np.fromiter(chain.from_iterable(map(known.__getitem__, chunks)), dtype=self._dtype)

    def _by_lines(self, text: str) -> Iterator[np.ndarray]:
        parts = cut(text, lines_only=True, size=1 << 15 if self._joins(text) else 1 << 20)
        while several := list(islice(parts, _PARTS_AT_A_TIME)):
            yield from (np.array(ids, dtype=self._dtype) for ids in self._encode_parts(several))

    def _encode_parts(self, parts: Sequence[str]) -> list[list[int]]:
        try:
            return [e.ids for e in self._backend.encode_batch_fast(parts, add_special_tokens=False)]
        except Exception:
            self.require("".join(parts))
            raise

    def _can_encode(self, character: str) -> bool:
        if self._lookup is not None:
            return self._lookup.unknown >= 0 or character in self._model["vocab"]
        if self.kind in ("other", "wordpiece") and (character.isspace() or not character.isprintable()):
            return True  # they drop these on purpose
        try:
            return bool(self._backend.encode(character, add_special_tokens=False).ids)
        except Exception:
            return False

    def _joins(self, text: str) -> bool:
        """Whether encoding line by line gives the ids of the whole, tried on the beginning."""
        beginning = text[: 1 << 14]
        parts = list(cut(beginning, lines_only=True, size=1 << 10))
        return [i for ids in self._encode_parts(parts) for i in ids] == self.encode(beginning)

    def _shown(self, i: int) -> str:
        if i in self._added:
            return show_text(self._added[i])
        token = self._backend.id_to_token(i)
        if token is None:  # models may have more rows than their tokenizer has tokens
            return f"#{i}"
        if self._in_bytes and BYTES.keys() >= set(token):
            return show_bytes(bytes(BYTES[character] for character in token))
        return show_sentencepiece(token) if self.kind == "other" else show_text(token)


def train_tokenizer(kind: str, text: str, *, vocab_size: int | None = None) -> Tokenizer:
    """Learn a tokenizer of kind "char", "word", "bpe" or "wordpiece" from a text.

    A text that has fewer characters, words or merges to offer than `vocab_size` gives a smaller vocabulary. With
    fewer places than characters or words, the rarer ones become `<unk>`; byte pairs can write everything.
    Raises LearnerError for an unknown kind, an impossible size, or a text without characters.
    """
    if kind not in get_args(TrainableKind):
        raise LearnerError("text.tokenizer_kind", kind=kind)
    least = {"bpe": len(ALPHABET), "wordpiece": len(SPECIAL) + 1}.get(kind, 2)
    if vocab_size is not None and vocab_size < least:
        raise LearnerError(f"text.tokenizer_size_{kind}", size=vocab_size)
    if not text:
        raise LearnerError("text.tokenizer_empty_text")
    _check_encodable(text)
    if kind == "char":
        return Tokenizer(build_character(text, vocab_size))
    size = vocab_size or DEFAULT_SIZES[kind]
    if kind == "wordpiece":
        return Tokenizer(build_wordpiece(text, size), SPECIAL_TOKENS)
    return Tokenizer(build_word(text, size) if kind == "word" else _byte_level(train_bpe(text, size)))


def _byte_level(bpe: BPE) -> tokenizers.Tokenizer:
    """Our merges in the library's hands, which encodes by them fast."""
    named = [visible(token) for token in bpe.tokens]
    merges = [(named[left], named[right]) for left, right in bpe.merges]
    backend = tokenizers.Tokenizer(models.BPE(vocab=bpe.vocabulary(), merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def _kind(description: dict[str, Any]) -> Kind:
    """Recognise our own kinds, GPT-2's and BERT's, in the description that `tokenizer.json` holds."""
    cutter = description["pre_tokenizer"] or {}
    if description["model"]["type"] == "WordPiece" and cutter.get("type") == "BertPreTokenizer":
        return "wordpiece"
    if description["normalizer"] is None:
        match description["model"]["type"], cutter:
            case "WordLevel", {"type": "Split", "pattern": {"Regex": pattern}} if pattern == EVERY_CHARACTER:
                return "char"
            case "WordLevel", {"type": "Split", "pattern": {"Regex": pattern}} if pattern == WORD_PATTERN:
                return "word"
            case "BPE", {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}:
                return "bpe"
    return "other"


def _texts(sequences: list[int | None]) -> list[int]:
    """Of which text each token is; what closes a text counts with it, what opens the pair with the first."""
    found, last = [], 0
    for sequence in sequences:
        last = last if sequence is None else sequence
        found.append(last)
    return found


def _check_encodable(text: str) -> None:
    """Raise LearnerError for half a surrogate pair: Python's text may hold one, UTF-8 cannot."""
    if lone := re.search("[\ud800-\udfff]", text):
        raise LearnerError("text.tokenizer_surrogate", code=f"U+{ord(lone[0]):04X}", place=lone.start() + 1)
