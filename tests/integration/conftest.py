"""What these tests share: one PostgreSQL, and on it a database of its own for each that asks for one."""

import pytest
from database import postgres, url

__all__ = ["postgres", "url"]

BRING_ONE = {"postgres", "address", "server", "quick"}  # fixtures


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a database."""
    if not BRING_ONE.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.database)
