"""A model folder as one zip file, to download from the app and to give it back."""

import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from llmlab.hub.config_file import CONFIG, FILES
from llmlab.hub.folder import load
from llmlab.hub.home import cache
from llmlab.hub.unpack import unpack
from llmlab.i18n import LearnerError
from llmlab.models.build import Model
from llmlab.text.tokenizer import Tokenizer

LARGEST = 8_000_000_000
"""Most bytes that a zip may unpack to."""


def export_zip(folder: Path, *, name: str | None = None) -> bytes:
    """A zip of the model's files in one folder called `name` (by default as the folder is), which transformers opens.

    Raises LearnerError for a folder that holds no model.
    """
    if not (folder / CONFIG).is_file():
        raise LearnerError("hub.not_a_model_folder", folder=folder)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(path for pattern in FILES for path in folder.glob(pattern)):
            # Weights are as good as random: compressing them takes long and gains nothing.
            method = zipfile.ZIP_STORED if path.suffix == ".safetensors" else zipfile.ZIP_DEFLATED
            zipped.write(path, f"{name or folder.name}/{path.name}", compress_type=method)
    return content.getvalue()


def import_zip(archive: Path | IO[bytes]) -> tuple[Model, Tokenizer]:
    """The model in a zip (a file, or an upload), wherever in it its folder stands, as `hub.load` gives it.

    Raises LearnerError for what is no zip, holds no model or several, and for all that `hub.load` refuses.
    """
    with tempfile.TemporaryDirectory(prefix=".importing-", dir=cache(), ignore_cleanup_errors=True) as folder:
        try:
            content = _unpacked(archive, Path(folder))
        except OSError as error:
            raise LearnerError("hub.cannot_write", folder=cache(), detail=error.strerror or str(error)) from error
        found = sorted(content.rglob(CONFIG))
        if len(found) != 1:
            raise LearnerError("hub.archive_models", count=len(found))
        return load(found[0].parent)


def _unpacked(archive: Path | IO[bytes], work: Path) -> Path:
    called = None if isinstance(archive, Path) else Path(str(getattr(archive, "name", "upload.zip"))).name
    if not isinstance(archive, Path):
        upload = work / "upload.zip"
        with upload.open("wb") as out:
            shutil.copyfileobj(archive, out, 1 << 20)
        archive = upload
    content = work / "content"
    content.mkdir()
    unpack(archive, content, [*FILES, *(f"*/{pattern}" for pattern in FILES)], limit_bytes=LARGEST, called=called)
    return content
