"""A fleet: who works, and who may still run while it is brought up to date."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add workers, and the oldest program that these tables bear."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
