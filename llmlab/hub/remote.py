"""Models of the Hugging Face hub by their id, kept in the hub's own cache, shared with transformers.

Only JSON, safetensors and tokenizer files are downloaded, never pickles or code, and only for a family we have.
"""

from pathlib import Path

from llmlab.hub.config_file import read_config
from llmlab.i18n import LearnerError

FILES = ["*.json", "*.safetensors", "merges.txt", "vocab.txt", "*.model"]
SUBFOLDERS = ["*/*"]


def download_model(hub_id: str, *, revision: str | None = None) -> Path:
    """The folder of a model on the hub; without a network, the one downloaded before.

    Raises LearnerError when the hub does not answer, has no such model, or has one of another family.
    """
    from huggingface_hub import HfApi, errors, hf_hub_download, snapshot_download

    try:
        # asked first because it fails at once without a network, where a download tries for half a minute
        revision = HfApi().model_info(hub_id, revision=revision, timeout=10).sha
        config = hf_hub_download(hub_id, "config.json", revision=revision)
        read_config(Path(config).parent)  # before the weights are downloaded
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=FILES, ignore_patterns=SUBFOLDERS))
    except (
        *(errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError),
        errors.HFValidationError,
    ) as error:
        raise LearnerError("hub.not_on_the_hub", id=hub_id) from error
    except LearnerError:
        raise
    except Exception as error:  # each network library beneath raises errors of its own
        try:
            return Path(snapshot_download(hub_id, revision=revision, local_files_only=True))
        except Exception:
            raise LearnerError("hub.hub_unreachable", id=hub_id, detail=str(error)) from error
