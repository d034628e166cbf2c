"""Archives of models carry files faithfully, and a hostile one is refused before it does harm."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from timbre.errors import ModelCorrupt, ModelMissing
from timbre.models import archive
from timbre.models.archive import Record

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GOOD = {"a.onnx": {"sha256": SHA256, "source_sha256": SHA256}}


def member(name: str, content: bytes = CONTENT, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    for field, value in fields.items():
        setattr(header, field, value)
    return header, content


def manifest(records: object = None) -> tuple[tarfile.TarInfo, bytes]:
    return member("manifest.json", json.dumps(GOOD if records is None else records).encode())


def write(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for header, content in members:
            tar.addfile(header, io.BytesIO(content))
    return path


def test_what_is_packed_is_unpacked(tmp_path):
    (tmp_path / "a.onnx").write_bytes(CONTENT)
    record = Record(sha256=SHA256, source_sha256="f" * 64)
    archive.pack(tmp_path / "models.tar", tmp_path, {"a.onnx": record})
    (tmp_path / "out").mkdir()
    assert archive.unpack(tmp_path / "models.tar", tmp_path / "out", expected={"a.onnx"}) == {"a.onnx": record}
    assert (tmp_path / "out" / "a.onnx").read_bytes() == CONTENT


def test_equal_files_make_equal_archives(tmp_path):
    (tmp_path / "a.onnx").write_bytes(CONTENT)
    for name in ("one.tar", "two.tar"):
        archive.pack(tmp_path / name, tmp_path, {"a.onnx": Record(sha256=SHA256, source_sha256=SHA256)})
        (tmp_path / "a.onnx").touch()
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([], id="nothing"),
        pytest.param([member("a.onnx")], id="no manifest"),
        pytest.param([manifest(), member("../a.onnx")], id="outside"),
        pytest.param([manifest(), member("/tmp/a.onnx")], id="absolute"),
        pytest.param([manifest(), member("a.onnx"), member("surprise.py")], id="foreign file"),
        pytest.param([manifest(), member("a.onnx", b"", **LINK)], id="link"),
        pytest.param([manifest(), member("a.onnx", b"", type=tarfile.FIFOTYPE)], id="fifo"),
        pytest.param([manifest(), member("a.onnx", b"", type=tarfile.DIRTYPE)], id="folder"),
        pytest.param([manifest(), member("a.onnx"), member("a.onnx", b"other")], id="twice"),
        pytest.param([manifest(), member("a.onnx", b"WEIGHTS")], id="wrong checksum"),
        pytest.param([manifest({}), member("a.onnx")], id="unnamed file"),
        pytest.param([manifest(GOOD | {"../x": GOOD["a.onnx"]}), member("a.onnx")], id="file that is not there"),
        pytest.param([manifest({"a.onnx": {"sha256": SHA256}}), member("a.onnx")], id="record without origin"),
        pytest.param([manifest([1, 2]), member("a.onnx")], id="manifest of another shape"),
        pytest.param([member("manifest.json", b"{"), member("a.onnx")], id="manifest cut"),
        pytest.param([member("manifest.json", b" " * (2 << 20)), member("a.onnx")], id="manifest too large"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path, members):
    (tmp_path / "out").mkdir()
    path = write(tmp_path / "models.tar", *members)
    with pytest.raises(ModelCorrupt):
        archive.unpack(path, tmp_path / "out", expected={"a.onnx"})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["models.tar", "out"]
    assert {entry.name for entry in (tmp_path / "out").iterdir()} <= {"a.onnx", "manifest.json"}


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b\x08\x00compressed"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "models.tar").write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"models\.tar"):
        archive.unpack(tmp_path / "models.tar", tmp_path, expected={"a.onnx"})


def test_a_cut_archive_is_refused(tmp_path):
    whole = write(tmp_path / "models.tar", manifest(), member("a.onnx", CONTENT * 1_000)).read_bytes()
    (tmp_path / "models.tar").write_bytes(whole[:3_000])
    with pytest.raises(ModelCorrupt):
        archive.unpack(tmp_path / "models.tar", tmp_path, expected={"a.onnx"})


def test_an_archive_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(ModelMissing, match="nowhere"):
        archive.unpack(tmp_path / "nowhere.tar", tmp_path, expected={"a.onnx"})
