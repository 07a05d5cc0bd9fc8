"""Approved criteria of policies and products in the store: append-only, every approval and withdrawal with who and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from data.store.database import begin_write, translated_errors
from data.store.tables import policy_criteria

APPROVED, WITHDRAWN = "approved", "withdrawn"


@dataclass(frozen=True)
class ApprovedDocument:
    """One version of a policy's criteria as it was approved: its days, who approved it and when, the document as JSON."""

    policy_id: str
    valid_from: date | None
    valid_until: date | None
    text_digest: str
    document: str
    approved_by: str
    approved_at: datetime
    status: str = APPROVED


class PolicyCriteria:
    """The approved criteria in one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, documents: Iterable[ApprovedDocument]) -> int:
        """Append approvals or withdrawals in one transaction; return how many."""
        rows = [
            {
                "policy_id": document.policy_id,
                "valid_from": document.valid_from,
                "valid_until": document.valid_until,
                "status": document.status,
                "approved_by": document.approved_by,
                "approved_at": document.approved_at.astimezone(UTC).replace(tzinfo=None),  # as SQLite can hold it
                "text_digest": document.text_digest,
                "document": document.document,
            }
            for document in documents
        ]
        if rows:
            with translated_errors(self._engine.url), begin_write(self._engine) as connection:
                connection.execute(sa.insert(policy_criteria), rows)
        return len(rows)

    def latest(self, policy_id: str | None = None) -> list[ApprovedDocument]:
        """Return the versions that count, of one policy or of all: of equal policy and first day the one approved last.

        Withdrawn versions are left out. The order is that of approval.
        """
        query = sa.select(policy_criteria).order_by(policy_criteria.c.number)
        if policy_id is not None:
            query = query.where(policy_criteria.c.policy_id == policy_id)
        found: dict[tuple[str, date | None], ApprovedDocument] = {}
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            for row in connection.execute(query):
                key = (row.policy_id, row.valid_from)
                found.pop(key, None)
                found[key] = ApprovedDocument(
                    policy_id=row.policy_id,
                    valid_from=row.valid_from,
                    valid_until=row.valid_until,
                    text_digest=row.text_digest,
                    document=row.document,
                    approved_by=row.approved_by,
                    approved_at=row.approved_at.replace(tzinfo=UTC),
                    status=row.status,
                )
        return [document for document in found.values() if document.status == APPROVED]
