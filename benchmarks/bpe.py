"""Training a byte-pair encoding: 256 merges on 1.1 MB, beside the usual teaching implementation (minbpe)."""

import argparse
import sys
from types import ModuleType

from benchmarks.contenders import folder, tiny_shakespeare
from benchmarks.report import Report, in_turn, seconds


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks bpe")
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args(words).repeats
    text = tiny_shakespeare().read_text(encoding="utf-8")
    sys.path.insert(0, str(folder("LLMLAB_MINBPE")))
    sys.modules.setdefault("tiktoken", ModuleType("tiktoken"))  # wanted by a part of minbpe that is not measured
    from minbpe.regex import GPT2_SPLIT_PATTERN, RegexTokenizer
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from llmlab.text.bpe import train_bpe

    def theirs() -> float:
        return seconds(lambda: RegexTokenizer(GPT2_SPLIT_PATTERN).train(text, 512))

    def library() -> float:
        return seconds(trained_by_library)

    def trained_by_library() -> Tokenizer:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=512, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator([text], trainer)
        return tokenizer

    found = in_turn(
        {"ours": lambda: seconds(lambda: train_bpe(text, 512)), "tokenizers": library, "minbpe": theirs}, repeats
    )
    report = Report("bpe")
    report.compare("256 merges on 1.1 MB", found["ours"], found["minbpe"], unit="s", reach=60)
    report.value("the same by the tokenizers library (Rust)", found["tokenizers"], unit="s")
    same = train_bpe(text, 512).vocabulary() == trained_by_library().get_vocab()
    report.value("ids as in the tokenizers library", [float(same)], unit="(1 = all)")
    report.end()
