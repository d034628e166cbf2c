"""The locks name every package that `pyproject.toml` wants, with hashes, from no index in particular, and agree."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
LOCKS = {path.stem: path.read_text() for path in (PROJECT / "requirements").glob("*.lock")}
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
EXTRAS = {"asr", "conversion", "docx", "evaluation", "mcp", "otel", "redis"}  # that of a GPU is gigabytes
ENTRY = re.compile(r"^(?P<requirement>[A-Za-z0-9].*?) \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


def entries(lock: str) -> Iterator[Requirement]:
    """All packages of a lock, each pinned to a version, for the machines and Pythons of its marker."""
    text = re.sub(r"^ +#.*\n", "", LOCKS[lock], flags=re.MULTILINE)
    while text:
        entry = ENTRY.match(text)
        assert entry, f"{lock}: a package without a hash, or something else: {text[:80]!r}"
        yield Requirement(entry["requirement"])
        text = text[entry.end() :]


def pinned(lock: str, python: str, machine: str) -> dict[str, str]:
    """What a lock installs there: versions by name."""
    there = {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "platform_machine": machine,
        "sys_platform": "linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return {
        entry.name: str(entry.specifier)
        for entry in entries(lock)
        if entry.marker is None or entry.marker.evaluate(there)
    }


def wanted(lock: str) -> Iterator[Requirement]:
    project: Mapping[str, Any] = PYPROJECT["project"]
    own = [*project["dependencies"]] if lock in {"run", "dev"} else []
    if lock == "dev":
        own += (line for extra in EXTRAS for line in project["optional-dependencies"][extra])
    own += (line for line in PYPROJECT["dependency-groups"][lock] if isinstance(line, str))
    yield from map(Requirement, own)


def test_there_is_a_lock_for_each_group():
    assert set(LOCKS) == set(PYPROJECT["dependency-groups"])


@pytest.mark.parametrize("lock", LOCKS)
def test_no_index_is_named(lock):
    assert "://" not in LOCKS[lock]
    assert not re.search(r"--(extra-)?index|--find-links|^-", LOCKS[lock], re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_all_that_is_wanted_is_locked(lock):
    locked = [(entry.name, str(entry.specifier).removeprefix("==")) for entry in entries(lock)]
    for requirement in wanted(lock):
        versions = [version for name, version in locked if name == canonicalize_name(requirement.name)]
        assert versions, f"{requirement} is not in {lock}.lock; run `make lock`"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement}: {lock}.lock has {versions}"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_what_develops_timbre_runs_it_with_the_same_versions(python, machine):
    running = pinned("run", python, machine)
    assert {"numpy", "onnxruntime", "pip"} <= running.keys()
    assert running.items() <= pinned("dev", python, machine).items()


def test_what_builds_timbre_is_what_its_build_asks_for():
    assert {Requirement(line).name for line in PYPROJECT["build-system"]["requires"]} == {
        requirement.name for requirement in wanted("build")
    }
