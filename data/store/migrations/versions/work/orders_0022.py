"""Orders of services and their steps."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Create the tables."""
    name = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    op.create_table(
        "orders",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("demand_id", name, nullable=False),
        sa.Column("client", sa.String(500), nullable=False),
        sa.Column("firm_id", name, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("record_id", name, nullable=False),
        sa.Column("provider", sa.String(500), nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_index("ix_orders_state", "orders", ["state", "kind", "record_id"])
    op.create_index("ix_orders_demand_id", "orders", ["demand_id"])
    op.create_index("ix_orders_last", "orders", ["last"])
    op.create_table(
        "order_steps",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("record_id", name, nullable=False),
        sa.Column("provider", sa.String(500), nullable=False),
        sa.Column("voucher", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("scores", sa.String(200)),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("undone_at", sa.DateTime),
        sa.Column("event_id", name),
    )
    op.create_index("ix_order_steps_order", "order_steps", ["order"])
    op.create_index("ix_order_steps_token", "order_steps", ["token"], unique=True)
    op.create_index("ix_order_steps_event_id", "order_steps", ["event_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("order_steps")
    op.drop_table("orders")
