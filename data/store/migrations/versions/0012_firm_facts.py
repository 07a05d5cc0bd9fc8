"""Facts stated of firms."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "firm_facts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("firm_id", name, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("written_by", sa.String(500), nullable=False),
        sa.Column("written_at", sa.DateTime, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ix_firm_facts_firm_id", "firm_facts", ["firm_id", "number"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("firm_facts")
