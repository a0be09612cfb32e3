"""Note where attempts run and what their workers see; servers of before do not look at it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("node", sa.Text(), nullable=True))
    op.add_column("attempts", sa.Column("notes", sa.JSON(), nullable=True))
    op.create_index(
        "ix_attempts_node",
        "attempts",
        ["node", "started"],
        sqlite_where=sa.text("node IS NOT NULL"),
        postgresql_where=sa.text("node IS NOT NULL"),
    )
