"""Models and corpora from outside and back: the catalogue, fetching, folders that transformers opens, conversion.

What needs torch is loaded when first asked for, so that the catalogue and fetching stay light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Some functions are named as their modules are: imported here, so that `hub.fetch` is always the function.
from llmlab.hub.catalogue import entries, entry
from llmlab.hub.fetch import fetch, is_local
from llmlab.hub.home import assets, cache, home

if TYPE_CHECKING:
    from llmlab.hub.archive import export_zip, import_zip
    from llmlab.hub.corpora import corpus_card, corpus_text
    from llmlab.hub.folder import load, save
    from llmlab.hub.interchange import from_hf, to_hf

_LATER = {
    "corpus_card": "corpora",
    "corpus_text": "corpora",
    "export_zip": "archive",
    "import_zip": "archive",
    "from_hf": "interchange",
    "to_hf": "interchange",
    "load": "folder",
    "save": "folder",
}

__all__ = [
    "assets",
    "cache",
    "corpus_card",
    "corpus_text",
    "entries",
    "entry",
    "export_zip",
    "fetch",
    "from_hf",
    "home",
    "import_zip",
    "is_local",
    "load",
    "save",
    "to_hf",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'llmlab.hub' has no attribute {name!r}")
    return getattr(import_module(f"llmlab.hub.{_LATER[name]}"), name)
