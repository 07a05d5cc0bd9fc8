"""Requests to see more of a record than its visibility shows."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "disclosures",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("record_id", name, nullable=False),
        sa.Column("viewer", sa.String(120), nullable=False),
        sa.Column("access", sa.SmallInteger, nullable=False),
        sa.Column("purpose", sa.String(1000), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("decided_at", sa.DateTime),
        sa.Column("decided_by", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("expires_at", sa.DateTime),
    )
    op.create_index("ix_disclosures_viewer", "disclosures", ["viewer", "state"])
    op.create_index("ix_disclosures_record", "disclosures", ["kind", "record_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("disclosures")
