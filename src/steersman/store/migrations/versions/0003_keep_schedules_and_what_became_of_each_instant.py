"""Keep schedules, and what became of each of their instants; servers of before know of neither."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _time(name: str, *, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Float(precision=53), nullable=null)


def _number(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, BIG, server_default=default, nullable=False)


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        _text("name"),
        _text("target"),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("spec", sa.JSON(), nullable=True),
        _text("author"),
        _time("changed"),
        _time("removed", null=True),
        _time("wake", null=True),
        sa.Column("decided", BIG, nullable=False),
        _time("created"),
        _text("version"),
        sa.Column("pause", sa.JSON(), nullable=True),
        _number("failures"),
        _number("successes"),
        _time("last_success", null=True),
        sa.Column("last_fired", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_schedules_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_schedules_project_id_name")),
    )
    op.create_index(
        "ix_schedules_wake",
        "schedules",
        ["wake"],
        sqlite_where=sa.text("wake IS NOT NULL"),
        postgresql_where=sa.text("wake IS NOT NULL"),
    )
    op.create_table(
        "fires",
        sa.Column("schedule_id", sa.Text(), nullable=False),
        sa.Column("instant", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _text("state"),
        _text("reason"),
        _time("due"),
        _time("since"),
        _text("message"),
        sa.Column("until", BIG, nullable=True),
        sa.Column("last", BIG, nullable=False),
        _number("covers", "1"),
        _number("attempt", "1"),
        _text("holder"),
        _number("fence"),
        _text("run"),
        _text("uid"),
        sa.Column("outcome", sa.Text(), nullable=True),
        _time("launched", null=True),
        _time("ended", null=True),
        _text("author"),
        _number("delays"),
        sa.Column("open", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedules.id"],
            name=op.f("fk_fires_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "instant", "kind", name=op.f("pk_fires")),
    )
    op.create_index(
        "ix_fires_open",
        "fires",
        ["due"],
        sqlite_where=sa.text("open"),
        postgresql_where=sa.text("open"),
    )
    op.create_index(op.f("ix_fires_since"), "fires", ["since"])
