"""Indexes over what is counted and listed of records on SQLite, which would read the texts along with them."""

from alembic import op

revision = "0005"
down_revision = "0004"

_LISTED = ["deleted", "status", "id", "field", "region", "published_at", "updated_at"]


def upgrade() -> None:
    """Create both indexes."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_index("ix_achievements_listed", "achievements", [*_LISTED, "holder", "stage", "trl", "price_min"])
    op.create_index("ix_demands_listed", "demands", [*_LISTED, "enterprise", "trl_min", "budget_max", "deadline"])


def downgrade() -> None:
    """Drop both indexes."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.drop_index("ix_achievements_listed", "achievements")
    op.drop_index("ix_demands_listed", "demands")
