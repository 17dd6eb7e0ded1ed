"""Word tokenizers: a word with the space before it, a punctuation mark, a Chinese or Japanese character, a line break.

The pieces of a text joined together are the text itself, so decoding loses nothing but unknown words.
"""

from collections import Counter

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from llmlab.text.character import UNKNOWN
from llmlab.text.pieces import CHUNKS, cut

_EAST_ASIAN = r"\p{Han}\p{Hiragana}\p{Katakana}"
WORD_PATTERN = rf"[{_EAST_ASIAN}]| ?[^\W{_EAST_ASIAN}]+(?:['’][^\W{_EAST_ASIAN}]+)*| ?[^\s\w]|\s"


def build_word(text: str, vocab_size: int) -> tokenizers.Tokenizer:
    """The `vocab_size` − 1 most frequent pieces of `text` (ties: in code-point order) after `<unk>`, id 0."""
    splitter = pre_tokenizers.Split(tokenizers.Regex(WORD_PATTERN), "isolated")
    counts: Counter[str] = Counter()
    for part in cut(text, size=1 << 18):
        for chunk, times in Counter(CHUNKS.findall(part)).items():
            for piece, _ in splitter.pre_tokenize_str(chunk):
                counts[piece] += times
    frequent = sorted(counts, key=lambda piece: (-counts[piece], piece))[: vocab_size - 1]
    vocab = {piece: i for i, piece in enumerate([UNKNOWN, *frequent])}
    backend = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    backend.pre_tokenizer = splitter
    backend.decoder = decoders.Fuse()
    return backend
