"""`generate`: continue a prompt; on a terminal the text appears as it is written."""

import argparse
import secrets
import time
from typing import Any

from llmlab.command_line.console import Console
from llmlab.command_line.options import add_config_options, add_weights, given, text
from llmlab.generation.config import SamplingConfig
from llmlab.i18n import Language, say

TOKENS = 200
SMALL = 20_000_000  # parameters


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    parser.add_argument("model", metavar="RUN|NAME|DIR", type=text, help=say("cli.model", language))
    parser.add_argument("--prompt", metavar="TEXT", type=text, default="", help=say("cli.prompt", language))
    parser.add_argument("--chat", action="store_true", help=say("cli.chat", language))
    parser.add_argument("--system", metavar="TEXT", type=text, default="", help=say("cli.system_prompt", language))
    parser.add_argument("--tokens", metavar="N", type=int, default=TOKENS, help=say("cli.tokens", language, n=TOKENS))
    add_config_options(parser, SamplingConfig, language, defaults={"seed": None})
    add_weights(parser, language)
    parser.add_argument(
        "--stop", metavar="TEXT", type=text, action="append", default=[], help=say("cli.stop", language)
    )


def run(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    settings = {"seed": secrets.randbelow(2**31)} | given(arguments, SamplingConfig)
    sampling = SamplingConfig(**settings)  # checked before anything slow

    import torch

    from llmlab.command_line.opening import open_writer
    from llmlab.generation.chat import Chat
    from llmlab.generation.decoding import finished, stream
    from llmlab.nn.int8 import in_int8

    model, tokenizer = open_writer(arguments.model)
    if console.owns_process and model.parameter_count() < SMALL:
        torch.set_num_threads(1)  # products of one token are so short that threads mostly wait for each other
    if arguments.weights == "int8":
        model = in_int8(model)
    started = time.perf_counter()
    if arguments.chat:
        chat = Chat(model, tokenizer, system=arguments.system)
        written = chat.reply(arguments.prompt, max_new_tokens=arguments.tokens, sampling=sampling, stop=arguments.stop)
    else:
        written = stream(
            model, tokenizer, arguments.prompt, max_new_tokens=arguments.tokens, sampling=sampling, stop=arguments.stop
        )
        console.show(arguments.prompt, end="")
    steps = []
    for step in written:
        steps.append(step)
        console.show(step.text, end="")
    console.show("")
    generated = finished(steps, time.perf_counter() - started)
    console.note(
        console.say("generated", tokens=len(steps), speed=round(generated.tokens_per_second), seed=sampling.seed)
    )
    return {
        "text": generated.text,
        "token_ids": generated.token_ids,
        "seconds": generated.seconds,
        "tokens_per_second": generated.tokens_per_second,
        "seed": sampling.seed,
    }
