"""Hub ids, with stand-ins for the hub's own library: nothing leaves the machine."""

from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest

from llmlab.hub.remote import download_model
from llmlab.i18n import LearnerError


class NetworkError(Exception):
    """What some network library beneath raises: none that we know."""


@pytest.fixture
def hub_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub with one model whose config.json is in `tmp_path`; returns what was downloaded from it."""
    downloaded: list[str] = []

    def config(hub_id: str, name: str, *, revision: str) -> str:
        assert revision == "abc"
        downloaded.append(name)
        return str(tmp_path / name)

    def snapshot(hub_id: str, **options: object) -> str:
        assert options["revision"] == "abc"
        assert not any(str(pattern).endswith((".bin", ".py", ".pt")) for pattern in options["allow_patterns"])  # type: ignore[attr-defined]
        downloaded.append("snapshot")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *words, **options: SimpleNamespace(sha="abc"))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", config)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    return downloaded


def test_a_model_of_a_known_family_is_downloaded(tmp_path: Path, hub_holds: list[str]) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    assert download_model("owner/name") == tmp_path
    assert hub_holds == ["config.json", "snapshot"]


def test_another_family_is_refused_before_its_weights_are_downloaded(tmp_path: Path, hub_holds: list[str]) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(LearnerError) as error:
        download_model("owner/name")
    assert error.value.phrase == "hub.unknown_architecture"
    assert hub_holds == ["config.json"]


def test_without_a_network_the_copy_of_last_time_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*words: object, **options: object) -> None:
        raise NetworkError("no route to host")

    def snapshot(hub_id: str, *, local_files_only: bool = False, **options: object) -> str:
        if not local_files_only or hub_id == "owner/never-seen":
            raise huggingface_hub.errors.LocalEntryNotFoundError("not cached")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", offline)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert download_model("owner/name") == tmp_path
    with pytest.raises(LearnerError, match="shakespeare-gpt") as error:
        download_model("owner/never-seen")
    assert error.value.phrase == "hub.hub_unreachable"


def test_an_id_that_does_not_exist_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*words: object, **options: object) -> None:
        answer = SimpleNamespace(headers={}, status_code=404, request=None)
        raise huggingface_hub.errors.RepositoryNotFoundError("404", response=answer)  # type: ignore[arg-type]

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", absent)
    for word in ("owner/name", "--/.."):
        with pytest.raises(LearnerError) as error:
            download_model(word)
        assert error.value.phrase == "hub.not_on_the_hub"
