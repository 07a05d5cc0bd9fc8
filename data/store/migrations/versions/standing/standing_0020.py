"""Standing requests, the notices that they led to, webhooks and their messages."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the tables."""
    record_id = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")
    name = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    op.create_table(
        "standing_requests",
        sa.Column("id", record_id, primary_key=True),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("source_kind", sa.String(64), nullable=False),
        sa.Column("source_id", record_id, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("least", sa.Float, nullable=False),
        sa.Column("endpoint", name, nullable=False),
        sa.Column("digest", sa.String(16), nullable=False),
        sa.Column("quiet", sa.String(11), nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("matched", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_standing_requests_revision", "standing_requests", ["revision"], unique=True)
    op.create_index("ix_standing_requests_source", "standing_requests", ["source_kind", "source_id"])
    progress = op.create_table(
        "standing_progress",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(progress, [{"number": 1, "requests": 0, "records": 0}])
    op.create_table(
        "standing_notices",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("request_id", record_id, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("record_id", record_id, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("found_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("message_id", sa.String(64)),
        sa.Column("handled_at", sa.DateTime),
        sa.Column("handled_by", sa.String(100), nullable=False),
    )
    op.create_index("ix_standing_notices_pair", "standing_notices", ["request_id", "kind", "record_id"], unique=True)
    op.create_index("ix_standing_notices_due", "standing_notices", ["message_id", "due_at"])
    op.create_index("ix_standing_notices_handled", "standing_notices", ["handled_at", "number"])
    op.create_table(
        "webhook_endpoints",
        sa.Column("name", name, primary_key=True),
        sa.Column("url", sa.String(1000), nullable=False),
        sa.Column("secret", sa.String(128), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("why_disabled", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("endpoint", name, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.String(200), nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_index("ix_webhook_messages_next", "webhook_messages", ["state", "next_at"])
    op.create_index("ix_webhook_messages_endpoint", "webhook_messages", ["endpoint", "state"])


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "webhook_messages",
        "webhook_endpoints",
        "standing_notices",
        "standing_progress",
        "standing_requests",
    ):
        op.drop_table(table)
