"""Approved criteria of policies and finance products."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "policy_criteria",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("policy_id", name, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("approved_by", sa.String(500), nullable=False),
        sa.Column("approved_at", sa.DateTime, nullable=False),
        sa.Column("text_digest", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ix_policy_criteria_policy_id", "policy_criteria", ["policy_id", "number"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("policy_criteria")
