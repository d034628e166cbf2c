"""What these tests share: one PostgreSQL, and on it a database of its own for each."""

from database import postgres, url

__all__ = ["postgres", "url"]
