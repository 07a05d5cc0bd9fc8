"""Tables of what was granted, shown, evaluated and sent by sources."""

import sqlalchemy as sa

from data.records import MAX_ID
from data.store.tables import metadata

MAX_VIEWER = 120
_ID = sa.String(MAX_ID).with_variant(sa.String(MAX_ID, collation="C"), "postgresql")

# Requests to see more of a record than its visibility shows, with what was decided.
disclosures = sa.Table(
    "disclosures",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("record_id", _ID, nullable=False),
    # `key:NAME` of an API key, or the name of one of the platform's users.
    sa.Column("viewer", sa.String(MAX_VIEWER), nullable=False),
    sa.Column("access", sa.SmallInteger, nullable=False),
    sa.Column("purpose", sa.String(1000), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("asked_at", sa.DateTime, nullable=False),
    sa.Column("decided_at", sa.DateTime),
    sa.Column("decided_by", sa.String(100), nullable=False),
    sa.Column("reason", sa.String(1000), nullable=False),
    sa.Column("expires_at", sa.DateTime),
    sa.Index("ix_disclosures_viewer", "viewer", "state"),
    sa.Index("ix_disclosures_record", "kind", "record_id"),
)

# What was shown, granted, exported: a chain by hash, append-only; see data/evidence.
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    # Known once written: what is replayed after a failure is not written twice.
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Index("ix_evidence_token", "token", unique=True),
    sa.Index("ix_evidence_day", "day", "number"),
)

# What entries say of records and persons: salt and text can be erased, the digest is in the chain.
evidence_parts = sa.Table(
    "evidence_parts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
    # Of a record its kind; empty for who it was, with the viewer as id.
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("record_id", _ID, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("salt", sa.String(32)),
    sa.Column("text", sa.Text),
    sa.Index("ix_evidence_parts_record", "kind", "record_id", "number"),
)
