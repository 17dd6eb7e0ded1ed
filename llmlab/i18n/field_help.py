"""Help texts of configuration fields, read from their attribute docstrings: written once, shown everywhere.

English is the docstring itself; Chinese stands in `phrase_tables/fields.toml` under `ClassName.field`.
"""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise

from llmlab.i18n.phrases import Language, phrase_table


@cache
def _docstrings(config: type) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(config)))
    body = tree.body[0].body  # type: ignore[attr-defined]  # the source of a class is one ClassDef
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def field_help(config: type, language: Language = "en") -> dict[str, str]:
    """Field name to help text, for every documented field of a dataclass, inherited ones included."""
    found: dict[str, str] = {}
    for cls in reversed(config.__mro__):
        if not hasattr(cls, "__dataclass_fields__"):
            continue
        translated = phrase_table("fields").get(cls.__name__, {}) if language == "zh" else {}
        found |= {name: translated.get(name, text) for name, text in _docstrings(cls).items()}
    return found
