"""Text appears in whole characters, and stop strings never appear at all, not even their beginnings."""

import random

import pytest
import tokenizers
from tokenizers import decoders, models

from llmlab.generation.stopping import IncrementalDecoder, StopStrings
from llmlab.i18n import LearnerError
from llmlab.text.tokenizer import Tokenizer

TEXT = "a€😀中 b\n文é�z"


def pushed(tokenizer: Tokenizer, ids: list[int], before: list[int] | None = None) -> list[str]:
    decoder = IncrementalDecoder(tokenizer, before or [])
    return [*(decoder.push(i) for i in ids), decoder.flush()]


def byte_fallback() -> Tokenizer:
    """Llama's way: characters without a token are spelled in byte tokens, a space is `▁` between words."""
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "▁b"]
    backend = tokenizers.Tokenizer(
        models.BPE(
            vocab={t: i for i, t in enumerate(tokens)}, merges=[("▁", "b")], byte_fallback=True, unk_token="<unk>"
        )
    )
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return Tokenizer(backend)


def test_a_character_appears_when_its_last_byte_comes(pairs: Tokenizer) -> None:
    ids = pairs.encode("€x")  # three byte tokens and one
    assert len(ids) == 4
    assert pushed(pairs, ids) == ["", "", "€", "x", ""]


def test_an_unfinished_character_at_the_end_is_not_lost(pairs: Tokenizer) -> None:
    assert pushed(pairs, pairs.encode("a€")[:-1]) == ["a", "", "", "�"]


@pytest.mark.parametrize("seed", range(20))
def test_the_pieces_are_the_text_for_any_bytes(pairs: Tokenizer, seed: int) -> None:
    generator = random.Random(seed)
    ids = [generator.randrange(pairs.vocab_size) for _ in range(200)]
    assert "".join(pushed(pairs, ids)) == pairs.decode(ids)


@pytest.mark.parametrize("seed", range(10))
def test_the_pieces_are_the_text_after_any_text(pairs: Tokenizer, seed: int) -> None:
    generator = random.Random(seed)
    written = pairs.encode("".join(generator.choice(TEXT) for _ in range(120)))
    cut = next(n for n in range(40, 60) if not pairs.decode(written[:n]).endswith("�"))
    before, ids = written[:cut], written[cut:]
    assert pairs.decode(before) + "".join(pushed(pairs, ids, before)) == pairs.decode(written)


def test_a_character_begun_by_the_prompt_is_finished(pairs: Tokenizer) -> None:
    ids = pairs.encode("€")
    assert "".join(pushed(pairs, ids[2:], ids[:2])) == "€"


@pytest.mark.parametrize("text", ["中文 b a", "b b b", "a中b文a" * 20, "中文字节编码" * 10])
@pytest.mark.parametrize("prompt", ["a", "的中", "a b"])
def test_byte_fallback_and_spaces_between_words(text: str, prompt: str) -> None:
    tokenizer = byte_fallback()

    def encode(words: str) -> list[int]:
        return [
            i
            for c in words.replace(" ", "▁")
            for i in ([257 + "▁ab".index(c)] if c in "▁ab" else [1 + byte for byte in c.encode()])
        ]

    before, ids = encode(prompt), encode(" " + text)
    assert "".join(pushed(tokenizer, ids, before)) == " " + text


def test_a_long_text_is_not_decoded_from_its_beginning_again(pairs: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    decode = pairs.decode
    monkeypatch.setattr(pairs, "decode", lambda ids: lengths.append(len(ids)) or decode(ids))
    ids = pairs.encode(TEXT * 30)
    pushed(pairs, ids)
    assert max(lengths) < 40 < len(ids)


def test_stop_strings_end_the_text_before_them() -> None:
    stop = StopStrings(["END", "\n\n"])
    assert [stop.push(piece) for piece in ("one E", "N", "two", " \n", "x E", "ND more")] == [
        "one ",
        "",
        "ENtwo",
        " ",
        "\nx ",
        "",
    ]
    assert stop.found


def test_the_earliest_stop_string_counts() -> None:
    stop = StopStrings(["yz", "xyz"])
    assert stop.push("abxyz") == "ab"


def test_what_was_held_back_comes_at_the_end() -> None:
    stop = StopStrings(["END"])
    assert stop.push("the EN") + stop.flush() == "the EN"
    assert not stop.found


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(LearnerError) as caught:
        StopStrings(["x", ""])
    assert caught.value.phrase == "generation.empty_stop"
