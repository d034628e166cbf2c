"""People: their samples and search vectors, protected; who is named in a job; sessions of the web app; the audit."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the gallery."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text("utf-8").replace("%", "%%"))


def downgrade() -> None:
    """What was learned of people is not given up."""
    raise NotImplementedError
