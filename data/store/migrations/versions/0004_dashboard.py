"""The operators' dashboard: sign-in, reviews, decisions about duplicates, and counts of events."""

import sqlalchemy as sa
from alembic import op

from data.store.aggregates import recount

revision = "0004"
down_revision = "0003"

_ID = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
_TABLES = (
    "duplicate_decisions",
    "reviews",
    "review_queue",
    "achievement_progress",
    "demand_progress",
    "daily_counts",
    "operator_sessions",
    "operators",
)


def upgrade() -> None:
    """Create everything and count the events that are there."""
    _create_sign_in()
    _create_counts()
    _create_reviews()
    op.create_table(
        "duplicate_decisions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("cluster", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("kept_id", _ID),
        sa.Column("ids", sa.Text, nullable=False),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.Column("undone_at", sa.DateTime),
    )
    op.create_index("ix_duplicate_decisions_cluster", "duplicate_decisions", ["cluster"])
    # Counts of distinct records in a period are read from the index alone.
    op.drop_index("ix_events_kind_occurred_at", "events")
    op.create_index("ix_events_kind_occurred_at", "events", ["kind", "occurred_at", "achievement_id", "demand_id"])
    recount(op.get_bind())


def downgrade() -> None:
    """Drop everything."""
    op.drop_index("ix_events_kind_occurred_at", "events")
    op.create_index("ix_events_kind_occurred_at", "events", ["kind", "occurred_at"])
    for table in _TABLES:
        op.drop_table(table)


def _create_sign_in() -> None:
    op.create_table(
        "operators",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("disabled_at", sa.DateTime),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.DateTime),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("operator", sa.String(100), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_operator_sessions_operator", "operator_sessions", ["operator"])


def _create_counts() -> None:
    op.create_table(
        "daily_counts",
        sa.Column("dimension", sa.String(16), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("value", sa.String(128), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    for name, moments in (
        ("demand", ("first_shown", "first_response", "first_deal")),
        ("achievement", ("first_shown", "last_shown", "first_deal")),
    ):
        op.create_table(
            f"{name}_progress",
            sa.Column(f"{name}_id", _ID, primary_key=True),
            *(sa.Column(moment, sa.DateTime) for moment in moments),
            sa.Column("impressions", sa.BigInteger, nullable=False),
            sa.Column("responses", sa.BigInteger, nullable=False),
        )


def _create_reviews() -> None:
    op.create_table(
        "review_queue",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("demand_id", _ID, nullable=False),
        sa.Column("achievement_id", _ID, nullable=False),
        sa.Column("stratum", sa.String(16), nullable=False),
        sa.Column("probability", sa.Float),
        sa.Column("other_probability", sa.Float),
        sa.Column("bundle_version", sa.String(64), nullable=False),
        sa.Column("queued_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_review_queue_pair", "review_queue", ["demand_id", "achievement_id"], unique=True)
    op.create_table(
        "reviews",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("demand_id", _ID, nullable=False),
        sa.Column("achievement_id", _ID, nullable=False),
        sa.Column("reviewer", sa.String(100), nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("reasons", sa.String(200), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("stratum", sa.String(16), nullable=False),
        sa.Column("probability", sa.Float),
        sa.Column("bundle_version", sa.String(64), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("reviewed_at", sa.DateTime, nullable=False),
        sa.Column("undone_at", sa.DateTime),
        sa.Column("event_id", _ID),
    )
    op.create_index("ix_reviews_pair", "reviews", ["demand_id", "achievement_id"])
    op.create_index("ix_reviews_event_id", "reviews", ["event_id"])
