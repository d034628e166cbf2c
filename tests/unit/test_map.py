"""The map of the code: complete, and true."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CODE = PROJECT / "src" / "timbre"
MAP = (PROJECT / "docs" / "explanations" / "map-of-the-code.md").read_text("utf-8")
ELSEWHERE = {"samples", "training", "web"}  # folders of tests/unit for what is not in src
PACKAGES = sorted(path.parent for path in CODE.rglob("__init__.py") if path.parent not in (CODE, CODE / "service"))


def section(heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", MAP, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def mapped() -> list[str]:
    """The packages in the first column of the table, in its order."""
    rows = re.findall(r"^\| (`.*?) \|", section("The packages"), re.MULTILINE)
    return list(chain.from_iterable(re.findall(r"`([\w.]+)`", row) for row in rows))


def test_every_package_is_on_the_map() -> None:
    # What is in `migrations/versions` are steps, not rooms.
    here = {".".join(path.relative_to(CODE).parts) for path in PACKAGES} - {"store.migrations.versions"}
    assert set(mapped()) == here


def test_the_map_has_the_order_of_the_contract() -> None:
    contract = re.search(
        r'containers = \["timbre\.service"\].*?layers = \[(.*?)\]', (PROJECT / "pyproject.toml").read_text(), re.S
    )
    assert contract
    below_to_above = re.findall(r'"(\w+)"', contract[1])[::-1]
    assert [name.removeprefix("service.") for name in mapped() if name.startswith("service.")] == below_to_above


def test_paths_on_the_map_exist() -> None:
    named = re.findall(r"`([\w./-]+/[\w./-]+|[\w-]+\.(?:py|toml))`", MAP)
    below = [name for name in named if not name.startswith(("src/", "docs/", "tests/", "web/"))]
    assert len(named) > 40
    missing = [name for name in named if not (PROJECT / name).exists() and not (CODE / name).exists() and "/" in name]
    assert not missing
    assert {name for name in below if "/" not in name} <= {path.name for path in CODE.rglob("*.*")}


def test_every_package_says_what_it_is_for() -> None:
    silent = [path for path in PACKAGES if path.name != "versions" and not (path / "__init__.py").read_text().strip()]
    assert not silent


def test_unit_tests_mirror_the_packages() -> None:
    here = Path(__file__).parent
    folders = [path.relative_to(here) for path in here.rglob("*") if path.is_dir() and path.name != "__pycache__"]
    assert folders
    assert not [
        str(folder)
        for folder in folders
        if folder.parts[0] not in ELSEWHERE and not (CODE / folder / "__init__.py").exists()
    ]
