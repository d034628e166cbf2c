"""Persons: who signs in by name, with a role, through a link or somebody else's account."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add persons, and links to their sessions."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
