"""What these tests share: one PostgreSQL, and on it a database of its own for each that asks for one."""

import pytest
from database import postgres, url

__all__ = ["postgres", "url"]

MARKS = {  # by the fixtures that a test uses
    "database": {"postgres", "address", "server", "quick"},
    "hearing": {"engine"},
}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what takes long, for `make test-quick` to leave it out."""
    for mark, fixtures in MARKS.items():
        if not fixtures.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(mark)
