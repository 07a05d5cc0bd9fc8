"""Texts that operators pasted, so that their lists have an address."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "asked_texts",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("asked_texts")
