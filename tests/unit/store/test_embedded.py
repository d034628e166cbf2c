"""How much memory the embedded database may use to keep its files in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
