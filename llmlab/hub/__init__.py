"""Models and corpora from outside and back: the catalogue, fetching, folders that transformers opens, conversion.

Names are loaded when first asked for, so that listing the catalogue needs neither torch nor transformers.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "assets": "home",
    "cache": "home",
    "home": "home",
    "entries": "catalogue",
    "entry": "catalogue",
    "fetch": "fetch",
    "is_local": "fetch",
    "corpus_card": "corpora",
    "corpus_text": "corpora",
    "load": "folder",
    "save": "folder",
    "export_zip": "archive",
    "import_zip": "archive",
    "from_hf": "convert",
    "to_hf": "convert",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'llmlab.hub' has no attribute {name!r}")
    return getattr(import_module(f"llmlab.hub.{_HOMES[name]}"), name)
