"""Options from config dataclasses: one option a field, its help the field's attribute docstring."""

import argparse
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from llmlab.i18n import Language, field_help, say

METAVAR = {int: "N", float: "X", str: "WORD"}


def text(word: str) -> str:
    """An argument that must be text: bytes that are not in the terminal's encoding are refused."""
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("not valid UTF-8 text") from error
    return word


def add_config_options(
    parser: argparse.ArgumentParser,
    config: type,
    language: Language,
    *,
    skip: Collection[str] = (),
    spelling: Mapping[str, str] | None = None,
    metavars: Mapping[str, str] | None = None,
    defaults: Mapping[str, object] | None = None,
) -> None:
    """Add `--field-name` for every field of a dataclass. A field whose option is not given is None in the result.

    `spelling` renames options, `metavars` names their values, `defaults` are shown in place of the dataclass's own.
    """
    hints = get_type_hints(config)
    explained = field_help(config, language)
    for field in fields(config):
        if field.name in skip:
            continue
        option = "--" + (spelling or {}).get(field.name, field.name).replace("_", "-")
        default = (defaults or {}).get(field.name, field.default)
        kind = _value_type(hints[field.name])
        settings: dict[str, Any] = {
            "dest": field.name,
            "default": None,
            "help": _help(explained[field.name], default, language),
        }
        if kind is bool:
            settings["action"] = argparse.BooleanOptionalAction
        elif get_origin(kind) is Literal:
            settings |= {"choices": get_args(kind)}
        elif get_origin(kind) is tuple:
            settings |= {"nargs": "*", "metavar": (metavars or {}).get(field.name, "WORD")}
        else:
            settings |= {
                "type": text if kind is str else kind,
                "metavar": (metavars or {}).get(field.name, METAVAR[kind]),
            }
        parser.add_argument(option, **settings)


def add_weights(parser: argparse.ArgumentParser, language: Language) -> None:
    """`--weights`: in what the numbers of the matrices are kept while the model reads."""
    parser.add_argument("--weights", choices=("float32", "int8"), default="float32", help=say("cli.weights", language))


def given(arguments: argparse.Namespace, config: type) -> dict[str, Any]:
    """The fields of a config that were given as options."""
    values = {field.name: getattr(arguments, field.name, None) for field in fields(config)}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items() if v is not None}


def _value_type(hint: Any) -> Any:
    """`int` of `int | None`."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    return parts[0] if type(None) in get_args(hint) else hint


def _help(explanation: str, default: object, language: Language) -> str:
    shown = "" if default in (None, MISSING, (), "") or isinstance(default, bool) else str(default)
    ending = say("cli.default", language, value=shown) if shown else ""
    return (explanation + ending).replace("%", "%%")
