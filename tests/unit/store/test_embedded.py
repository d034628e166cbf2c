"""The embedded database before it starts: whether it can read the files, and how much of them it keeps in memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from timbre.errors import SchemaOutdated
from timbre.store import embedded

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "limit", "expected"),
    [
        (GIB // 4, None, 64),
        (2 * GIB, None, 256),
        (64 * GIB, None, 1024),
        (64 * GIB, str(4 * GIB), 512),
        (64 * GIB, "max", 1024),
    ],
    ids=["tiny", "small", "large", "container", "container without a limit"],
)
def test_an_eighth_of_the_memory_up_to_a_gibibyte(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, memory: int, limit: str | None, expected: int
) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": page, "SC_PHYS_PAGES": memory // page}.__getitem__)
    file = tmp_path / "memory.max"
    if limit is not None:
        file.write_text(f"{limit}\n")
    monkeypatch.setattr(embedded, "_MEMORY_LIMIT", file)
    assert embedded._cache() == expected


@pytest.mark.parametrize("version", ["99", "9"])
def test_files_of_another_postgresql_are_named_and_left_alone(tmp_path: Path, version: str) -> None:
    (tmp_path / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(
        SchemaOutdated, match=rf"was made by PostgreSQL {version}, and this Timbre comes with \d+; run "
    ):
        embedded.EmbeddedPostgres(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["PG_VERSION"]
