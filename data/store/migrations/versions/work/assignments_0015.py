"""Demands assigned to brokers, with the steps of each assignment; views that operators saved."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "assignments",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("demand_id", name, nullable=False),
        sa.Column("broker_id", name, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposed_at", sa.DateTime, nullable=False),
        sa.Column("proposed_by", sa.String(100), nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
    )
    op.create_index("ix_assignments_demand_id", "assignments", ["demand_id"])
    op.create_index("ix_assignments_state", "assignments", ["state", "due_at"])
    op.create_index("ix_assignments_broker_id", "assignments", ["broker_id", "state"])
    op.create_table(
        "assignment_steps",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("assignment", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
    )
    op.create_index("ix_assignment_steps_assignment", "assignment_steps", ["assignment"])
    op.create_index("ix_assignment_steps_token", "assignment_steps", ["token"], unique=True)
    op.create_table(
        "saved_views",
        sa.Column("operator", sa.String(100), primary_key=True),
        sa.Column("page", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("query", sa.String(1000), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("saved_views")
    op.drop_table("assignment_steps")
    op.drop_table("assignments")
