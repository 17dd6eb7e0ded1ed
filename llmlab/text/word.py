"""Word tokenizers: a word with the space before it, a punctuation mark, a Chinese or Japanese character, a line break.

The pieces of a text joined together are the text itself, so decoding loses nothing but unknown words.
"""

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from llmlab.text.character import UNKNOWN
from llmlab.text.pieces import cut

_EAST_ASIAN = r"\p{Han}\p{Hiragana}\p{Katakana}"
WORD_PATTERN = rf"[{_EAST_ASIAN}]| ?[^\W{_EAST_ASIAN}]+(?:['’][^\W{_EAST_ASIAN}]+)*| ?[^\s\w]|\s"


def build_word(text: str, vocab_size: int) -> tokenizers.Tokenizer:
    """The `vocab_size` − 1 most frequent pieces of `text` (ties: in code-point order) after `<unk>`, id 0."""
    backend = tokenizers.Tokenizer(models.WordLevel({}, unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(WORD_PATTERN), "isolated")
    trainer = trainers.WordLevelTrainer(vocab_size=vocab_size, special_tokens=[UNKNOWN], show_progress=False)
    backend.train_from_iterator(cut(text), trainer)
    vocab = backend.get_vocab()
    # The trainer registers <unk> as a special token, which would be cut out of a text that spells it. Build it anew.
    plain = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    plain.pre_tokenizer = backend.pre_tokenizer
    plain.decoder = decoders.Fuse()
    return plain
