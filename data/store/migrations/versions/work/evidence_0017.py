"""Evidence of what was shown to whom, chained by hash."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Create the tables."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "evidence",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
    )
    op.create_index("ix_evidence_token", "evidence", ["token"], unique=True)
    op.create_index("ix_evidence_day", "evidence", ["day", "number"])
    op.create_table(
        "evidence_parts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("record_id", name, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("salt", sa.String(32)),
        sa.Column("text", sa.Text),
    )
    op.create_index("ix_evidence_parts_record", "evidence_parts", ["kind", "record_id", "number"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("evidence_parts")
    op.drop_table("evidence")
