"""Levels that models gave to pairs, apart from those of people."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "model_levels",
        sa.Column("texts", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("prompt", sa.String(64), primary_key=True),
        sa.Column("demand_id", name, nullable=False),
        sa.Column("achievement_id", name, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("need_quote", sa.Text, nullable=False),
        sa.Column("offer_quote", sa.Text, nullable=False),
        sa.Column("given_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_model_levels_pair", "model_levels", ["demand_id", "achievement_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("model_levels")
