"""The program: its commands, the two things common to all (`--json`, `--lang`), and what a failure looks like.

A person's mistake is one sentence on stderr and exit code 2, never a traceback. Interrupted is 130, as shells have it.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import llmlab
from llmlab.command_line.console import Console
from llmlab.i18n import LANGUAGES, Language, LearnerError, say

COMMANDS = {
    "train": "train",
    "generate": "generate",
    "fill": "fill",
    "score": "score",
    "plan": "plan",
    "export": "export",
    "import": "import_",
    "fetch": "fetch",
    "list": "list_",
}
MISTAKE = 2
INTERRUPTED = 130
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # torch says it so, on each device


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own); returns the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    language = _language(words)
    for output in (sys.stdout, sys.stderr):
        if hasattr(output, "reconfigure"):
            output.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still gets the rest
    try:
        arguments = _parser(words, language).parse_args(words)
        console = Console(language=language, json=arguments.json, owns_process=argv is None)
        return _run(arguments, console)
    except LearnerError as error:
        return _refuse(error.say(language))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return _reader_left()
        place = f" ({error.filename})" if error.filename else ""
        return _refuse(say("cli.system", language, reason=f"{error.strerror or error}{place}"))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in OUT_OF_MEMORY):
            raise
        return _refuse(say("cli.memory", language))
    except KeyboardInterrupt:
        print(say("cli.interrupted", language), file=sys.stderr)
        return INTERRUPTED
    except SystemExit as exit_:  # --help and --version
        return int(exit_.code or 0)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    command = import_module(f"llmlab.command_line.{COMMANDS[arguments.command]}")
    # With --json stdout holds the object and nothing else, whatever a library prints.
    quiet = contextlib.redirect_stdout(sys.stderr) if console.json else contextlib.nullcontext()
    try:
        with quiet:
            result = command.run(arguments, console)
    finally:
        console.clear_progress()
    console.answer(result)
    return INTERRUPTED if console.interrupted else 0


def _refuse(sentence: str) -> int:
    print("llmlab: " + " ".join(sentence.split()), file=sys.stderr)
    return MISTAKE


def _reader_left() -> int:
    """Whoever read our output closed it (`| head`): nothing more to say, and nothing to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LearnerError("cli.usage", message=message, help=f"{self.prog} --help")


def _language(words: Sequence[str]) -> Language:
    """`--lang`, else `LLMLAB_LANG`, else English; known before parsing, because help and mistakes speak it too."""
    found = os.environ.get("LLMLAB_LANG", "en")[:2]
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--lang":
            found = following
        elif word.startswith("--lang="):
            found = word.removeprefix("--lang=")
    return next((language for language in LANGUAGES if language == found), "en")


def _parser(words: Sequence[str], language: Language) -> _Parser:
    """The parser; of the commands only the one that is used takes its arguments, so that the others cost nothing."""
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help=say("cli.json", language))
    common.add_argument("--lang", choices=list(LANGUAGES), help=say("cli.lang", language))
    parser = _Parser(
        prog="python -m llmlab", description=say("cli.program", language), allow_abbrev=False, add_help=False
    )
    parser.add_argument("-h", "--help", action="help", help=say("cli.help", language))
    parser.add_argument("--version", action="version", version=llmlab.__version__, help=say("cli.version", language))
    parser.add_argument("--lang", choices=list(LANGUAGES), help=say("cli.lang", language))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for name, module in COMMANDS.items():
        summary = say(f"cli.{name}", language)
        command = commands.add_parser(
            name, help=summary, description=summary, parents=[common], allow_abbrev=False, add_help=False
        )
        command.add_argument("-h", "--help", action="help", help=say("cli.help", language))
        if name in words:
            import_module(f"llmlab.command_line.{module}").add_arguments(command, language)
    return parser
