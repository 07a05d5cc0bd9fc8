"""Outcomes of pairs of a demand and a record of a declared kind."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "kind_events",
        sa.Column("event_id", name, primary_key=True),
        sa.Column("record_kind", sa.String(40), nullable=False),
        sa.Column("demand_id", name, nullable=False),
        sa.Column("record_id", name, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("occurred_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_kind_events_record_kind", "kind_events", ["record_kind", "occurred_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kind_events")
