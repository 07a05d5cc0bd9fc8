"""Achievements, demands, append-only events and the revision counter."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
_LABEL = sa.String(500)


def upgrade() -> None:
    """Create everything."""
    _create_records(
        "achievements",
        sa.Column("holder", _LABEL, nullable=False),
        sa.Column("holder_type", _LABEL, nullable=False),
        sa.Column("stage", _LABEL, nullable=False),
        sa.Column("trl", sa.SmallInteger),
        sa.Column("price_min", sa.Float),
        sa.Column("price_max", sa.Float),
    )
    _create_records(
        "demands",
        sa.Column("enterprise", _LABEL, nullable=False),
        sa.Column("trl_min", sa.SmallInteger),
        sa.Column("budget_min", sa.Float),
        sa.Column("budget_max", sa.Float),
        sa.Column("deadline", sa.Date),
    )
    op.create_table(
        "events",
        sa.Column("event_id", _ID, primary_key=True),
        sa.Column("demand_id", _ID, nullable=False),
        sa.Column("achievement_id", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("occurred_at", sa.DateTime),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
    )
    op.create_index("ix_events_kind_occurred_at", "events", ["kind", "occurred_at"])
    op.create_index("ix_events_demand_id", "events", ["demand_id"])
    op.create_index("ix_events_achievement_id", "events", ["achievement_id"])
    _forbid_changes_of_events()
    counter = op.create_table(
        "revisions",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"id": 1, "value": 0}])


def downgrade() -> None:
    """Drop everything."""
    for table in ("revisions", "events", "demands", "achievements"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_events()")


def _create_records(name: str, *own: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("id", _ID, primary_key=True),
        sa.Column("field", _LABEL, nullable=False),
        sa.Column("region", sa.String(6)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("published_at", sa.Date),
        sa.Column("updated_at", sa.Date),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        *own,
    )
    op.create_index(f"ix_{name}_revision", name, ["revision"], unique=True)
    op.create_index(f"ix_{name}_status_field", name, ["status", "field"])


def _forbid_changes_of_events() -> None:
    """Let the database itself refuse to update or delete events."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER events_no_{change.lower()} BEFORE {change} ON events "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
