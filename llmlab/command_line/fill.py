"""`fill`: what could stand behind each [MASK] of a text, best first."""

import argparse
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import text
from llmlab.i18n import Language, say

TOP = 5


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("model", metavar="RUN|NAME|DIR", type=text, help=say("cli.model", language))
    parser.add_argument("--text", metavar="TEXT", type=text, required=True, help=say("cli.fill_text", language))
    parser.add_argument("--top", metavar="N", type=int, default=TOP, help=say("cli.fill_top", language, n=TOP))


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    from llmlab.command_line.opening import open_model
    from llmlab.generation.filling import fill

    model, tokenizer = open_model(arguments.model)
    filled = fill(model, tokenizer, arguments.text, top=arguments.top)
    for number, blank in enumerate(filled.blanks, start=1):
        if len(filled.blanks) > 1:
            console.show(console.say("fill_blank", number=number))
        for candidate in blank.candidates:
            console.show(f"{candidate.probability:7.2%}  {candidate.token}")
    console.show(filled.text)
    return {
        "text": filled.text,
        "blanks": [
            {
                "position": blank.position,
                "candidates": [
                    {"token": c.token, "token_id": c.token_id, "probability": c.probability} for c in blank.candidates
                ],
            }
            for blank in filled.blanks
        ],
    }
