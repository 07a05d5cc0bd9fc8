"""The store's tables: typed columns for what is filtered or counted, the whole record as canonical JSON beside them."""

from datetime import UTC
from typing import Any

import orjson
import sqlalchemy as sa

from data.records import MAX_ID, MAX_TITLE, Achievement, Demand, OutcomeEvent, Record

# The Alembic revision that this code reads and writes.
SCHEMA = "0025"

metadata = sa.MetaData()

# PostgreSQL would order ids by the server's language; "C" orders by code point, as SQLite and Python do.
_ID = sa.String(MAX_ID).with_variant(sa.String(MAX_ID, collation="C"), "postgresql")
_LABEL = sa.String(MAX_TITLE)
_LISTED = ("id", "field", "region", "published_at", "updated_at")
ACHIEVEMENTS_LISTED = (*_LISTED, "holder", "stage", "trl", "price_min", "title")
DEMANDS_LISTED = (*_LISTED, "enterprise", "trl_min", "budget_max", "deadline", "industry", "title")


def _record_columns(name: str) -> list[sa.Column[Any]]:
    """Return the columns that both kinds of record have."""
    return [
        sa.Column("id", _ID, primary_key=True),
        sa.Column("field", _LABEL, nullable=False),
        sa.Column("region", sa.String(6)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("published_at", sa.Date),
        sa.Column("updated_at", sa.Date),
        # SHA-256 of `record`: an equal digest means that nothing changed.
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        # Searched and listed; the record has it too, among texts that would have to be read along.
        sa.Column("title", _LABEL, nullable=False, server_default=""),
        sa.Index(f"ix_{name}_revision", "revision", unique=True),  # type: ignore[list-item]
        sa.Index(f"ix_{name}_status_field", "status", "field"),  # type: ignore[list-item]
    ]


achievements = sa.Table(
    "achievements",
    metadata,
    *_record_columns("achievements"),
    sa.Column("holder", _LABEL, nullable=False),
    sa.Column("holder_type", _LABEL, nullable=False),
    sa.Column("stage", _LABEL, nullable=False),
    sa.Column("trl", sa.SmallInteger),
    sa.Column("price_min", sa.Float),
    sa.Column("price_max", sa.Float),
    # What is counted and listed, without the texts; PostgreSQL keeps long texts aside, and has a limit for index rows.
    sa.Index("ix_achievements_listed", "deleted", "status", *ACHIEVEMENTS_LISTED).ddl_if(dialect="sqlite"),
)

demands = sa.Table(
    "demands",
    metadata,
    *_record_columns("demands"),
    sa.Column("enterprise", _LABEL, nullable=False),
    sa.Column("trl_min", sa.SmallInteger),
    sa.Column("budget_min", sa.Float),
    sa.Column("budget_max", sa.Float),
    sa.Column("deadline", sa.Date),
    # Division of the first industry, as events are counted by it.
    sa.Column("industry", sa.String(2), nullable=False, server_default=""),
    sa.Index("ix_demands_listed", "deleted", "status", *DEMANDS_LISTED).ddl_if(dialect="sqlite"),
)

# Approved criteria of policies and products, append-only: of equal policy and first day the last row counts.
policy_criteria = sa.Table(
    "policy_criteria",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("policy_id", _ID, nullable=False),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_until", sa.Date),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("approved_by", _LABEL, nullable=False),
    sa.Column("approved_at", sa.DateTime, nullable=False),
    # what the criteria were read from: another digest means that the text changed since
    sa.Column("text_digest", sa.String(64), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("ix_policy_criteria_policy_id", "policy_id", "number"),
)

# Facts that were stated of firms, append-only: the last row of a firm counts.
firm_facts = sa.Table(
    "firm_facts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("firm_id", _ID, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    sa.Column("written_by", _LABEL, nullable=False),
    sa.Column("written_at", sa.DateTime, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("ix_firm_facts_firm_id", "firm_id", "number"),
)

# Records of the kinds that `data/kinds` declares; `record` holds what its kind adds.
records = sa.Table(
    "records",
    metadata,
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("title", _LABEL, nullable=False),
    sa.Column("provider", _LABEL, nullable=False),
    sa.Column("region", sa.String(6)),
    sa.Column("field", _LABEL, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("visibility", sa.String(16), nullable=False),
    sa.Column("published_at", sa.Date),
    sa.Column("valid_until", sa.Date),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Index("ix_records_revision", "revision", unique=True),
    sa.Index("ix_records_kind_status", "kind", "status", "valid_until"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("event_id", _ID, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("achievement_id", _ID, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    # UTC without offset: SQLite has no other.
    sa.Column("occurred_at", sa.DateTime),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    # All that counts of distinct records in a period need.
    sa.Index("ix_events_kind_occurred_at", "kind", "occurred_at", "achievement_id", "demand_id"),
    sa.Index("ix_events_demand_id", "demand_id"),
    sa.Index("ix_events_achievement_id", "achievement_id"),
)

# Outcomes of pairs of a demand and a record of a declared kind; append-only, as `events` is for achievements.
kind_events = sa.Table(
    "kind_events",
    metadata,
    sa.Column("event_id", _ID, primary_key=True),
    sa.Column("record_kind", sa.String(40), nullable=False),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("record_id", _ID, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("occurred_at", sa.DateTime, nullable=False),
    sa.Index("ix_kind_events_record_kind", "record_kind", "occurred_at"),
)

# One row. Every writer of records takes its revisions here, which also makes writers queue up: revisions are committed
# in their order, so that a reader who saw revision n will never meet a lower one later.
revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.BigInteger, nullable=False),
)


api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    # SHA-256 of the whole key, which itself is never stored.
    sa.Column("digest", sa.String(64), nullable=False),
    # UTC without offset, as everywhere.
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("expires_at", sa.DateTime),
    sa.Column("revoked_at", sa.DateTime),
    sa.Index("ix_api_keys_name", "name", unique=True),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(500), nullable=False),
    sa.Column("request_id", sa.String(32), nullable=False),
)

# Answers to questions about demands, append-only; the demand's own record stays as written.
clarifications = sa.Table(
    "clarifications",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("demand_id", _ID, nullable=False),
    sa.Column("question_id", sa.String(128), nullable=False),
    sa.Column("answered_at", sa.DateTime, nullable=False),
    sa.Column("clarification", sa.Text, nullable=False),
    sa.Index("ix_clarifications_demand_id", "demand_id"),
)

# The record `wanted`, if it is not deleted, beside each answer about it, or none. Each is one statement, so that it sees one
# snapshot, and made once: SQLAlchemy takes longer to make one than the database to answer it.
ACHIEVEMENT_BY_ID = sa.select(achievements.c.record, sa.null()).where(
    achievements.c.id == sa.bindparam("wanted"), ~achievements.c.deleted
)
DEMAND_BY_ID = (
    sa.select(demands.c.record, clarifications.c.clarification)
    .outerjoin(clarifications, clarifications.c.demand_id == demands.c.id)
    .where(demands.c.id == sa.bindparam("wanted"), ~demands.c.deleted)
    .order_by(clarifications.c.number)
)


def canonical_json(record: Record | OutcomeEvent) -> str:
    """Return the one JSON text of `record`: sorted keys, nothing that equals its default."""
    return orjson.dumps(record.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_SORT_KEYS).decode()


def achievement_columns(record: Achievement) -> dict[str, Any]:
    """Return the typed columns of an achievement."""
    return _shared_columns(record) | {
        "holder": _plain(record.holder),
        "holder_type": _plain(record.holder_type),
        "stage": _plain(record.stage),
        "trl": record.trl,
        "price_min": record.price_min,
        "price_max": record.price_max,
    }


def demand_columns(record: Demand) -> dict[str, Any]:
    """Return the typed columns of a demand."""
    return _shared_columns(record) | {
        "enterprise": _plain(record.enterprise),
        "trl_min": record.trl_min,
        "budget_min": record.budget_min,
        "budget_max": record.budget_max,
        "deadline": record.deadline,
        "industry": division((record.industries or ("",))[0]),
    }


def event_columns(event: OutcomeEvent) -> dict[str, Any]:
    """Return the typed columns of an event."""
    moment = event.occurred_at
    return {
        "event_id": event.event_id,
        "demand_id": event.demand_id,
        "achievement_id": event.achievement_id,
        "kind": event.kind.value,
        "occurred_at": moment and moment.astimezone(UTC).replace(tzinfo=None),
    }


def division(code: str) -> str:
    """Return the division of an industry's code, which may begin with the section's letter: 26 of C2614 and of 2614."""
    digits = code.lstrip("ABCDEFGHIJKLMNOPQRST")
    return (digits or code)[:2]


def _shared_columns(record: Record) -> dict[str, Any]:
    return {
        "id": record.record_id,
        "field": _plain(record.field),
        "region": record.region,
        "status": record.status.value,
        "published_at": record.published_at,
        "updated_at": record.updated_at,
        "title": _plain(record.title),
    }


def _plain(text: str) -> str:
    """Return `text` without NUL, which PostgreSQL's columns cannot hold; the JSON beside keeps it escaped."""
    return text.replace("\0", "")
