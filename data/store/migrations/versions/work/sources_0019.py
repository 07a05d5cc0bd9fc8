"""Sources of records: what they sent, what could not be read, what is to be published again."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the tables."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "sources",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("region", sa.String(6)),
        sa.Column("visibility", sa.String(16), nullable=False),
        sa.Column("cap", sa.Integer),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.DateTime),
        sa.Column("changed_at", sa.DateTime),
    )
    op.create_table(
        "source_records",
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("key", name, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("within", sa.Boolean, nullable=False),
    )
    op.create_index("ix_source_records_identity", "source_records", ["identity"])
    op.create_table(
        "source_rejects",
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("key", name, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("reason", sa.String(500), nullable=False),
    )
    op.create_table(
        "source_changes",
        sa.Column("identity", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("source_changes", "source_rejects", "source_records", "sources"):
        op.drop_table(table)
