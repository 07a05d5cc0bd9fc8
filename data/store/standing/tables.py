"""Tables of standing requests, notices and webhooks."""

import sqlalchemy as sa

from data.records import MAX_ID
from data.store.tables import metadata

MAX_NAME = 100
_ID = sa.String(MAX_ID).with_variant(sa.String(MAX_ID, collation="C"), "postgresql")
_NAME = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")

standing_requests = sa.Table(
    "standing_requests",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("source", sa.String(16), nullable=False),
    # Of the record whose text is matched; empty for a saved text.
    sa.Column("source_kind", sa.String(64), nullable=False),
    sa.Column("source_id", _ID, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    # JSON: kinds, filters and conditions.
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("least", sa.Float, nullable=False),
    sa.Column("endpoint", _NAME, nullable=False),
    sa.Column("digest", sa.String(16), nullable=False),
    # Times of day in China, HH:MM/HH:MM; empty: none.
    sa.Column("quiet", sa.String(11), nullable=False),
    sa.Column("valid_until", sa.Date),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("created_by", sa.String(MAX_NAME), nullable=False),
    sa.Column("ended_at", sa.DateTime),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("matched", sa.BigInteger, nullable=False),
    sa.Index("ix_standing_requests_revision", "revision", unique=True),
    sa.Index("ix_standing_requests_source", "source_kind", "source_id"),
)

# One row: the highest revision of requests, and that of records up to which all of them were matched.
standing_progress = sa.Table(
    "standing_progress",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
)

standing_notices = sa.Table(
    "standing_notices",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("request_id", _ID, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("record_id", _ID, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("found_at", sa.DateTime, nullable=False),
    sa.Column("due_at", sa.DateTime, nullable=False),
    # The message that carries it: null until one is written, empty where none is to be.
    sa.Column("message_id", sa.String(64)),
    sa.Column("handled_at", sa.DateTime),
    sa.Column("handled_by", sa.String(MAX_NAME), nullable=False),
    # No second notice of the same pair.
    sa.Index("ix_standing_notices_pair", "request_id", "kind", "record_id", unique=True),
    sa.Index("ix_standing_notices_due", "message_id", "due_at"),
    sa.Index("ix_standing_notices_handled", "handled_at", "number"),
)

webhook_endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    sa.Column("name", _NAME, primary_key=True),
    sa.Column("url", sa.String(1000), nullable=False),
    # Needed whole to sign with: protect the store as the secret itself.
    sa.Column("secret", sa.String(128), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("why_disabled", sa.String(200), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("created_by", sa.String(MAX_NAME), nullable=False),
)

webhook_messages = sa.Table(
    "webhook_messages",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("endpoint", _NAME, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    # When the next attempt is due; moved on while one is under way.
    sa.Column("next_at", sa.DateTime),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.String(200), nullable=False),
    sa.Column("ended_at", sa.DateTime),
    sa.Index("ix_webhook_messages_next", "state", "next_at"),
    sa.Index("ix_webhook_messages_endpoint", "endpoint", "state"),
)
