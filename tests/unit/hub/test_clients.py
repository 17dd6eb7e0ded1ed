"""The ordinary clients, on a wheel and a package made here: nothing leaves the machine."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from llmlab.hub import clients
from llmlab.hub.catalogue import Source
from llmlab.i18n import LearnerError


def wheel(folder: Path) -> Path:
    path = folder / "tiny_parcel-1.0-py3-none-any.whl"
    info = "tiny_parcel-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_parcel/text.md", "# Text")
        archive.writestr("tiny_parcel/__init__.py", "raise SystemExit('imported')")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-parcel\nVersion: 1.0\nRequires-Dist: nowhere\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_pip_downloads_the_wheel_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index").mkdir()
    made = wheel(tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    source = Source(type="wheel", package="tiny-parcel", version="1.0", sha256=digest, files=("tiny_parcel/*.md",))
    (tmp_path / "work").mkdir()
    grown: list[int] = []
    found = clients.pip(source, tmp_path / "work", grown.append)
    assert found.read_bytes() == made.read_bytes()


def test_a_client_that_fails_is_a_source_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(clients.Unreachable, match="no such version"):
        clients._run([sys.executable, "-c", "raise SystemExit('no such version')"], tmp_path, lambda arrived: None)


def test_pip_checks_the_hash_of_an_sdist_before_it_runs_its_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    project = tmp_path / "tiny-sdist-1.0"
    project.mkdir()
    (project / "setup.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    (project / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny-sdist\nVersion: 1.0\n")
    index = tmp_path / "index"
    index.mkdir()
    shutil.make_archive(str(index / "tiny-sdist-1.0"), "gztar", tmp_path, "tiny-sdist-1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    (tmp_path / "work").mkdir()
    with pytest.raises(clients.Unreachable, match="DO NOT MATCH THE HASHES"):
        clients.pip(
            Source(type="sdist", package="tiny-sdist", version="1.0", sha256="0" * 64), tmp_path / "work", print
        )
    assert not ran.exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed; it comes with Node.js")
def test_npm_packs_without_running_scripts(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    scripts = {"prepack": "node -e \"require('fs').writeFileSync('ran', '')\""}
    (package / "package.json").write_text(json.dumps({"name": "tiny-parcel", "version": "1.0.0", "scripts": scripts}))
    (tmp_path / "work").mkdir()
    source = Source(type="npm", package="tiny-parcel", version=f"file:{package}", sha256="0" * 64)
    found = clients.npm(source, tmp_path / "work", lambda arrived: None)
    assert found.suffix == ".tgz"
    assert not (package / "ran").exists()


def test_pip_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LearnerError, match="pip"):
        clients.pip(Source(type="wheel", package="x", version="1", sha256="0" * 64), tmp_path, print)


def test_an_address_is_read_in_pieces(tmp_path: Path) -> None:
    served = tmp_path / "served.bin"
    served.write_bytes(b"x" * 600_000)
    grown: list[int] = []
    (tmp_path / "work").mkdir()
    source = Source(type="url", url=served.as_uri(), sha256="0" * 64)
    assert clients.url(source, tmp_path / "work", grown.append).read_bytes() == served.read_bytes()
    assert grown == [262_144, 524_288, 600_000]
    with pytest.raises(clients.Unreachable):
        clients.url(Source(type="url", url=(tmp_path / "none").as_uri(), sha256="0" * 64), tmp_path / "work", print)


def test_an_interrupted_client_is_stopped(tmp_path: Path) -> None:
    def interrupt(arrived: int) -> None:
        raise KeyboardInterrupt

    code = "import time, pathlib; pathlib.Path('pid').touch(); time.sleep(5); pathlib.Path('survived').touch()"
    started: list[subprocess.Popen[bytes]] = []
    with pytest.MonkeyPatch.context() as patch:
        real = subprocess.Popen

        def remember(*words: object, **options: object) -> "subprocess.Popen[bytes]":
            started.append(real(*words, **options))  # type: ignore[call-overload]
            return started[-1]

        patch.setattr(subprocess, "Popen", remember)
        with pytest.raises(KeyboardInterrupt):
            clients._run([sys.executable, "-c", code], tmp_path, interrupt)
    assert started[0].poll() is not None
