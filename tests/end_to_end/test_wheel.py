"""The wheel: everything is in it, and what it installs works in an environment of its own, far from the source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from command_line import run
from server import CONVERSATION, Server, voice
from timbre.http.routes import web

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src"
LOCKS = PROJECT / "requirements"
PATIENCE = 300  # seconds for uv to end: it may have to fetch hundreds of megabytes
pytestmark = pytest.mark.exhaustive
needs_git = pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="this folder is not git's")


def uv(*arguments: str | Path) -> None:
    """Run uv on what is in its cache already; only if that lacks something, on the network."""
    own = PROJECT / ".uv" / "bin" / "uv"
    program = own if own.exists() else shutil.which("uv")
    assert program, "uv is not there; `make test` fetches it"
    for network in (["--offline"], []):
        command = [program, *arguments, "--quiet", *network]
        environment = {**os.environ, "UV_HTTP_TIMEOUT": "20"}
        try:
            ended = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            pytest.fail(f"uv {arguments[0]} did not end; is the package index within reach?")
        if ended.returncode == 0:
            return
    pytest.fail(f"uv {arguments[0]}, with what is cached and with what could be fetched: {ended.stderr}")


def build(folder: Path, to: Path, *options: str) -> None:
    uv("build", folder, "--out-dir", to, "--build-constraints", LOCKS / "build.lock", *options)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory) -> Path:
    """The source distribution, and the wheel that is made from it."""
    folder = tmp_path_factory.mktemp("dist")
    build(PROJECT, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def timbre(wheel, tmp_path_factory) -> Path:
    """The command `timbre` of an environment that has the wheel and what that asks for, and nothing else."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    uv("venv", environment)
    uv("pip", "install", "--python", environment, "--constraints", LOCKS / "run.lock", wheel)
    return environment / "bin" / "timbre"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A folder without the source, in which the test goes on."""
    for name in os.environ:
        if name.startswith(("PYTHON", "TIMBRE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout


@needs_git
def test_has_all_that_git_keeps_and_the_web_app(wheel):
    kept = printed("git", "-C", SOURCE, "ls-files", "--cached", "--others", "--exclude-standard", "timbre").splitlines()
    app = [str(path.relative_to(SOURCE)) for path in web.FOLDER.rglob("*") if path.is_file()]
    with ZipFile(wheel) as archive:
        inside = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert sorted(inside) == sorted([path for path in kept if (SOURCE / path).exists()] + app)
        assert all(archive.read(name) == (SOURCE / name).read_bytes() for name in inside)


def test_the_source_distribution_has_what_tests_it(distributions):
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"Makefile", "LICENSE", "requirements/run.lock", "web/package.json", "samples/conversation.ogg"}
    assert needed | {f"tests/end_to_end/{Path(__file__).name}"} <= inside
    assert not [name for name in inside if "node_modules" in name or "__pycache__" in name or name.startswith(".venv")]


def test_says_its_version_and_is_what_runs(wheel, timbre, elsewhere):
    version = wheel.name.split("-")[1]
    assert printed(timbre, "version") == f"timbre {version}\n"
    assert re.match(r"\d+\.\d+\.", version)
    where = printed(timbre.with_name("python"), "-c", "import timbre; print(timbre.__file__)")
    assert Path(where.strip()).is_relative_to(timbre.parents[1])


def test_names_speakers_as_the_source_does(timbre, elsewhere):
    voiceprint = ("voiceprint", voice("Ada"), "-o", "ada.voiceprint")
    printed(timbre, *voiceprint)
    identify = ("identify", CONVERSATION, "--voiceprint", "Ada=ada.voiceprint", "--threshold", "50")
    named = printed(timbre, *identify)
    assert "Ada" in named
    assert named == run(*identify).out


def test_a_server_of_it_sends_the_web_app(timbre, elsewhere):
    with Server(elsewhere / "data", timbre=[timbre], own_database=True) as server:
        assert httpx.get(f"{server.address}/readyz").status_code == 200
        page = httpx.get(server.address)
        if not (web.FOLDER / "index.html").exists():
            pytest.skip("the web app is not built here; `make install` builds it")
        assert '<div id="app">' in page.text
        files = re.findall(r'(?:src|href)="/([^"]+)"', page.text)
        assert {Path(name).suffix for name in files} >= {".js", ".css"}
        for name in files:
            assert httpx.get(f"{server.address}/{name}").content == (web.FOLDER / name).read_bytes()
        assert server.stop() == 0


@needs_git
class TestVersion:
    """Which version a build has, by what git knows where it is built."""

    @pytest.fixture
    @staticmethod
    def clone(tmp_path) -> Path:
        """A clone such as a CI makes: the newest commit alone, and no tags."""
        folder = tmp_path / "clone"
        printed("git", "clone", "--quiet", "--depth", "1", "--no-tags", f"file://{PROJECT}", folder)
        return folder

    @pytest.fixture
    @staticmethod
    def tagged(clone) -> Path:
        printed("git", "-C", clone, "tag", "v7.8.9")
        return clone

    @staticmethod
    def built(folder: Path, to: Path) -> str:
        build(folder, to, "--sdist")
        (path,) = to.glob("*.tar.gz")
        return path.name.removeprefix("timbre-").removesuffix(".tar.gz")

    @staticmethod
    def unpacked(clone: Path, folder: Path) -> Path:
        """What is downloaded as an archive of the source."""
        printed("git", "-C", clone, "archive", "--output", folder / "archive.tar", "HEAD")
        with tarfile.open(folder / "archive.tar") as archive:
            archive.extractall(folder / "source", filter="data")
        return folder / "source"

    def test_of_a_tag_is_the_tag(self, tagged, tmp_path):
        assert self.built(tagged, tmp_path) == "7.8.9"

    def test_of_an_archive_of_a_tag_is_the_tag(self, tagged, tmp_path):
        assert self.built(self.unpacked(tagged, tmp_path), tmp_path) == "7.8.9"

    def test_without_tags_names_the_commit(self, clone, tmp_path):
        commit = printed("git", "-C", clone, "rev-parse", "HEAD").strip()
        found = re.fullmatch(r"0\.\d+(?:\.\d+)?\.dev\d+\+g(?P<commit>[0-9a-f]{7,})", self.built(clone, tmp_path))
        assert found
        assert commit.startswith(found["commit"])

    def test_of_an_archive_without_a_tag_is_none(self, clone, tmp_path):
        assert self.built(self.unpacked(clone, tmp_path), tmp_path) == "0.0"

    def test_of_a_folder_without_git_is_none(self, clone, tmp_path):
        shutil.rmtree(clone / ".git")
        assert self.built(clone, tmp_path) == "0.0"
