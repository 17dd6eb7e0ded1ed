import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from llmlab.hub.unpack import safe_path, unpack
from llmlab.i18n import LearnerError

Pack = Callable[[dict[str, bytes]], bytes]

ESCAPES = [
    "../evil.txt",
    "a/../../evil.txt",
    "/etc/evil.txt",
    "C:\\evil.txt",
    "C:/evil.txt",
    "..\\evil.txt",
    "\\evil.txt",
]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str, kind: str, pack: Pack) -> None:
    archive = tmp_path / "archive"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            member = zipfile.ZipInfo("x")
            member.filename = name  # the constructor would tidy it
            zipped.writestr(member, "evil")
    else:
        archive.write_bytes(pack({name: b"evil"}))
    with pytest.raises(LearnerError) as error:
        unpack(archive, tmp_path / "out" / "deep", ["*"])
    assert error.value.phrase == "hub.archive_unsafe"
    assert not list(tmp_path.rglob("evil.txt"))


def test_ordinary_names_are_kept() -> None:
    assert str(safe_path("a/b..c/..d")) == "a/b..c/..d"


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            link = tarfile.TarInfo(f"link-{kind!r}")
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
    (tmp_path / "a.tgz").write_bytes(content.getvalue())
    assert unpack(tmp_path / "a.tgz", tmp_path / "out", ["*"]) == []


def test_only_what_is_wanted_is_written(tmp_path: Path, pack: Pack) -> None:
    (tmp_path / "a.tgz").write_bytes(pack({"d/one.txt": b"1", "d/two.md": b"2"}))
    assert unpack(tmp_path / "a.tgz", tmp_path / "out", ["*.txt"]) == [tmp_path / "out" / "d" / "one.txt"]
    assert not (tmp_path / "out" / "d" / "two.md").exists()


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("big", b"0" * 3_000_000)
    with pytest.raises(LearnerError, match="2 MB"):
        unpack(tmp_path / "a.zip", tmp_path / "out", ["*"], limit_bytes=2_000_000)


def test_a_name_that_is_a_file_and_a_folder_is_damage(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("a", "file")
        zipped.writestr("a/b", "inside")
    with pytest.raises(LearnerError) as error:
        unpack(tmp_path / "a.zip", tmp_path / "out", ["*"])
    assert error.value.phrase == "hub.archive_broken"


@pytest.mark.parametrize(("offset", "value"), [(6, 1), (8, 99)], ids=["encrypted", "unknown compression"])
def test_an_archive_that_cannot_be_read_here_is_damage(tmp_path: Path, offset: int, value: int) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr("a", "text")
    changed = bytearray(content.getvalue())
    for header in (0, changed.index(b"PK\x01\x02") + 2):  # the file's own, and the directory's: two bytes further on
        changed[header + offset] = value
    (tmp_path / "a.zip").write_bytes(changed)
    with pytest.raises(LearnerError) as error:
        unpack(tmp_path / "a.zip", tmp_path / "out", ["*"])
    assert error.value.phrase == "hub.archive_broken"


def test_what_is_no_archive_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("not a zip")
    with pytest.raises(LearnerError) as error:
        unpack(tmp_path / "a.zip", tmp_path / "out", ["*"])
    assert error.value.phrase == "hub.archive_unknown"
