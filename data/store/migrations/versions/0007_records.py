"""One table for the records of all declared kinds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "records",
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("id", name, primary_key=True),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("provider", sa.String(500), nullable=False),
        sa.Column("region", sa.String(6)),
        sa.Column("field", sa.String(500), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("visibility", sa.String(16), nullable=False),
        sa.Column("published_at", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_index("ix_records_revision", "records", ["revision"], unique=True)
    op.create_index("ix_records_kind_status", "records", ["kind", "status", "valid_until"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("records")
