"""One record as a row of the table of its side: what it states, and the digests that tell its texts."""

from hashlib import sha256
from typing import Any

import pyarrow as pa

from data.records import Achievement, Demand, Record
from data.text.normalise import meaningful
from knowledge_graph.quantities.budget import stated_budget
from matcher.texts.space import RecordText

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("owner", pa.string()),  # holder of an achievement, enterprise of a demand
        ("owner_type", pa.string()),
        ("region", pa.string()),
        ("field", pa.string()),
        ("industries", pa.list_(pa.string())),
        ("status", pa.string()),
        ("trl", pa.int8()),  # reached by an achievement, asked for by a demand
        ("money_min", pa.float64()),  # price or budget, 万元
        ("money_max", pa.float64()),
        ("modes", pa.list_(pa.string())),
        ("published", pa.date32()),
        ("deadline", pa.date32()),  # of a demand; bundles of earlier versions do not have it
        # Digests of the normalised texts: records that share one are the same matter under several ids.
        ("title_key", pa.string()),
        ("body_key", pa.string()),
        ("text_key", pa.string()),  # digest of all that matching reads
    ]
)


def owned(title: str, owner: str | None) -> str:
    """Return a title with its owner's name: two owners' records of one title are two."""
    return f"{title}@{owner or ''}"


def _digest(text: str) -> str:
    """Return 16 hex digits that tell a normalised text; empty for a text that says nothing."""
    said = meaningful(text)
    return sha256(said.encode()).hexdigest()[:16] if said else ""


def record_text_key(text: RecordText) -> str:
    """Return a digest of all that matching reads of a record."""
    return sha256(f"{text.title}\n{text.body}".encode()).hexdigest()[:16]


def record_row(record: Record, text: RecordText) -> dict[str, Any]:
    """Return all columns of a record."""
    keys = {
        "title_key": _digest(record.title),
        "body_key": _digest(record.content),
        "text_key": record_text_key(text),
    }
    return stated(record) | keys


def stated(record: Record) -> dict[str, Any]:
    """Return the columns of a record that it states itself."""
    common = {
        "id": record.record_id,
        "title": record.title,
        "region": record.region,
        "field": record.field,
        "industries": list(record.industries),
        "status": record.status.value,
        "published": record.updated_at or record.published_at,
        "deadline": record.deadline if isinstance(record, Demand) else None,
    }
    if isinstance(record, Achievement):
        return common | {
            "owner": record.holder,
            "owner_type": record.holder_type,
            "trl": record.trl,
            "money_min": record.price_min,
            "money_max": record.price_max,
            "modes": list(record.transfer_modes),
        }
    least, most = record.budget_min, record.budget_max
    if least is None and most is None:
        least, most = stated_budget(f"{record.title}\n{record.content}")
    return common | {
        "owner": record.enterprise,
        "owner_type": record.enterprise_size,
        "trl": record.trl_min,
        "money_min": least,
        "money_max": most,
        "modes": list(record.cooperation_modes),
    }
