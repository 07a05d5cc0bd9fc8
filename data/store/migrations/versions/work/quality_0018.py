"""Evaluations of providers, and the steps by which providers and stale records leave and return."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the tables."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "evaluations",
        sa.Column("token", name, primary_key=True),
        sa.Column("provider", sa.String(500), nullable=False),
        sa.Column("evaluator", sa.String(500), nullable=False),
        sa.Column("scores", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_evaluations_provider", "evaluations", ["provider"])
    op.create_table(
        "quality_steps",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("rule", sa.String(8), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("notice", sa.String(1000), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
    )
    op.create_index("ix_quality_steps_subject", "quality_steps", ["subject", "kind", "name", "number"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("quality_steps")
    op.drop_table("evaluations")
