"""Keep alarms of schedules, and what was counted of them; servers of before know of neither."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("schedules", sa.Column("silent", sa.Float(precision=53), nullable=True))
    op.create_index(
        "ix_schedules_silent",
        "schedules",
        ["silent"],
        sqlite_where=sa.text("silent IS NOT NULL"),
        postgresql_where=sa.text("silent IS NOT NULL"),
    )
    op.create_table(
        "alarms",
        sa.Column("schedule_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("instant", BIG, autoincrement=False, nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("raised", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedules.id"],
            name=op.f("fk_alarms_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "what", "instant", name=op.f("pk_alarms")),
    )
    op.create_table(
        "schedule_counts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", BIG, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule_counts")),
    )
