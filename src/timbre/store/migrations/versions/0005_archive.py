"""What is kept for how long, who is heard in what, and what waits to be looked at."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add tags and rules of keeping, and what lists of recordings and reviews go by."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    """What was kept is not given up."""
    raise NotImplementedError
