"""Teams, media, jobs, webhooks, usage, and the queue."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything."""
    run = op.get_bind().exec_driver_sql
    run(SchemaManager.get_schema().replace("%", "%%"))
    run(Path(__file__).with_suffix(".sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    """There is no version before this one."""
    raise NotImplementedError
