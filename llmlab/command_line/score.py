"""`score`: how well a model predicts a text, in units that do not depend on its tokenizer too."""

import argparse
from dataclasses import asdict
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import add_weights, text
from llmlab.i18n import Language, say


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("model", metavar="RUN|NAME|DIR", type=text, help=say("cli.model", language))
    parser.add_argument("file", metavar="FILE", type=text, help=say("cli.score_file", language))
    add_weights(parser, language)


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from llmlab.text.files import read_text

    document = read_text(arguments.file)  # checked before anything slow

    from llmlab.command_line.opening import open_writer
    from llmlab.models.scoring import score_text
    from llmlab.nn.int8 import in_int8

    model, tokenizer = open_writer(arguments.model)
    if arguments.weights == "int8":
        model = in_int8(model)
    score = asdict(score_text(model, tokenizer, document))
    console.show(console.say("scored", **score))
    return score
