"""Tables of what was granted, shown, evaluated and sent by sources."""

import sqlalchemy as sa

from data.records import MAX_ID, MAX_TITLE
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

# Evaluations of providers by those they worked for, append-only.
evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("token", _ID, primary_key=True),
    sa.Column("provider", sa.String(MAX_TITLE), nullable=False),
    sa.Column("evaluator", sa.String(MAX_TITLE), nullable=False),
    sa.Column("scores", sa.String(200), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Index("ix_evaluations_provider", "provider"),
)

# Steps by which providers and stale records are asked, hidden and archived, and return; append-only.
quality_steps = sa.Table(
    "quality_steps",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("subject", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("name", sa.String(MAX_TITLE), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("rule", sa.String(8), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("by", sa.String(100), nullable=False),
    sa.Column("notice", sa.String(1000), nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Index("ix_quality_steps_subject", "subject", "kind", "name", "number"),
)

# Sources of records, with what their operator set.
sources = sa.Table(
    "sources",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("region", sa.String(6)),
    sa.Column("visibility", sa.String(16), nullable=False),
    # Keys that are published at most, the first by their order; none: all.
    sa.Column("cap", sa.Integer),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("cursor", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.DateTime),
    sa.Column("changed_at", sa.DateTime),
)

# The newest version of every record of every source.
source_records = sa.Table(
    "source_records",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("key", _ID, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("identity", sa.String(64), nullable=False),
    # JSON; null: deleted at the source.
    sa.Column("document", sa.Text),
    # Within its source's cap.
    sa.Column("within", sa.Boolean, nullable=False),
    sa.Index("ix_source_records_identity", "identity"),
)

# What could not be read, by version: counts until a newer version of the key could.
source_rejects = sa.Table(
    "source_rejects",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("key", _ID, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("reason", sa.String(500), nullable=False),
)

# Identities whose published record is to be made again: in the same transaction as what changed them.
source_changes = sa.Table(
    "source_changes",
    metadata,
    sa.Column("identity", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
)
