"""Answers to questions about demands."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    identifier = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "clarifications",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("demand_id", identifier, nullable=False),
        sa.Column("question_id", sa.String(128), nullable=False),
        sa.Column("answered_at", sa.DateTime, nullable=False),
        sa.Column("clarification", sa.Text, nullable=False),
    )
    op.create_index("ix_clarifications_demand_id", "clarifications", ["demand_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("clarifications")
