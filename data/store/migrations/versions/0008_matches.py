"""What is done with matches, append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "match_actions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("demand_id", name, nullable=False),
        sa.Column("achievement_id", name, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.String(1000), nullable=False),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("undone_at", sa.DateTime),
        sa.Column("event_id", name),
    )
    op.create_index("ix_match_actions_pair", "match_actions", ["demand_id", "achievement_id"])
    op.create_index("ix_match_actions_token", "match_actions", ["token"], unique=True)
    op.create_index("ix_match_actions_event_id", "match_actions", ["event_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("match_actions")
