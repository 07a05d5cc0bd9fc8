"""Facts stated of firms, append-only: who stated them and when stays on record, the last statement counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa

from data.errors import NotFoundError
from data.firms.facts import FirmFacts
from data.firms.profile import known_of
from data.kinds.record import KindRecord
from data.store.database import begin_write, translated_errors
from data.store.kind_records import unknown_record
from data.store.tables import demands, firm_facts, records

FIRM = "firm"
MAX_DEMANDS = 50
Change = Callable[[FirmFacts], FirmFacts]
WriteResult = Literal["inserted", "updated", "unchanged"]


@dataclass(frozen=True)
class StatedFacts:
    """The facts of a firm that were stated last, by whom and when."""

    facts: FirmFacts
    written_by: str
    written_at: datetime


@dataclass(frozen=True)
class KnownFirm:
    """A firm: its record of the kind `firm` and what was stated of it, either of which may be missing, not both."""

    firm_id: str
    record: KindRecord | None
    stated: StatedFacts | None

    @property
    def facts(self) -> FirmFacts:
        """All that is known, as the form of facts has it."""
        known = known_of(self.record, self.stated.facts if self.stated else None)
        return known if known.firm_id == self.firm_id else known.model_copy(update={"firm_id": self.firm_id})

    @property
    def title(self) -> str:
        """What the firm is called: by its record, by the facts, else by its id."""
        return (self.record.title if self.record else "") or self.facts.name or self.firm_id


class StatedFirms:
    """The firms of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def get(self, firm_id: str) -> KnownFirm:
        """Return a firm.

        Raises:
            NotFoundError: there is neither a record nor a fact of it; the error names the nearest ids.

        """
        found = self.many([firm_id])
        if not found:
            with translated_errors(self._engine.url), self._engine.connect() as connection:
                raise unknown_record(connection, FIRM, firm_id)
        return found[0]

    def many(self, firm_ids: Sequence[str]) -> list[KnownFirm]:
        """Return those of the firms that are known, by id."""
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return self._known(connection, list(firm_ids))

    def demand_ids(self, title: str) -> list[str]:
        """Return the ids of the demands whose enterprise is called so, at most `MAX_DEMANDS`."""
        c = demands.c
        query = sa.select(c.id).where(c.enterprise == title.strip(), ~c.deleted).order_by(c.id).limit(MAX_DEMANDS)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def page(self, after: str = "", limit: int = 100) -> list[KnownFirm]:
        """Return up to `limit` firms whose ids follow `after`, by id (code points)."""
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            ids = connection.execute(
                sa.union(
                    sa.select(records.c.id.label("id")).where(
                        records.c.kind == FIRM, records.c.id > after, ~records.c.deleted
                    ),
                    sa.select(_latest.c.firm_id).where(_latest.c.firm_id > after, ~_latest.c.withdrawn),
                )
                .order_by("id")
                .limit(limit)
            ).scalars()
            return self._known(connection, list(ids))

    def change(self, firm_id: str, change: Change, by: str, at: datetime) -> WriteResult:
        """State what `change` makes of the facts stated so far, in one transaction; equal facts write nothing.

        What `change` raises ends the transaction and reaches the caller.
        """
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            before = _stated(connection, [firm_id]).get(firm_id)
            facts = change(before.facts if before else FirmFacts()).model_copy(update={"firm_id": firm_id})
            if before is not None and before.facts == facts:
                return "unchanged"
            _append(connection, firm_id, facts, by, at)
            return "inserted" if before is None else "updated"

    def put(self, firm_id: str, facts: FirmFacts, by: str, at: datetime) -> WriteResult:
        """State the facts of a firm instead of those stated so far."""
        return self.change(firm_id, lambda _: facts, by, at)

    def withdraw(self, firm_id: str, by: str, at: datetime) -> None:
        """Withdraw what was stated of a firm; its record of the kind `firm` stays.

        Raises:
            NotFoundError: nothing was stated of it.

        """
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            if firm_id not in _stated(connection, [firm_id]):
                raise NotFoundError(
                    f"no facts were stated of the firm {firm_id!r}", chinese=f"没有登记过企业“{firm_id}”的事实"
                )
            _append(connection, firm_id, FirmFacts(firm_id=firm_id), by, at, withdrawn=True)

    def history(self, firm_id: str) -> list[StatedFacts]:
        """Return all statements about a firm, the latest first; withdrawals are empty facts."""
        query = (
            sa.select(firm_facts).where(firm_facts.c.firm_id == firm_id).order_by(firm_facts.c.number.desc()).limit(100)
        )
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return [_read(row) for row in connection.execute(query)]

    @staticmethod
    def _known(connection: sa.Connection, ids: list[str]) -> list[KnownFirm]:
        query = sa.select(records.c.id, records.c.record).where(
            records.c.kind == FIRM, records.c.id.in_(ids), ~records.c.deleted
        )
        kept = {row.id: KindRecord.model_validate_json(row.record) for row in connection.execute(query)}
        stated = _stated(connection, ids)
        return [KnownFirm(one, kept.get(one), stated.get(one)) for one in ids if one in kept or one in stated]


_latest = (
    sa.select(firm_facts)
    .where(
        firm_facts.c.number.in_(
            sa.select(sa.func.max(firm_facts.c.number)).group_by(firm_facts.c.firm_id).scalar_subquery()
        )
    )
    .subquery()
)


def _stated(connection: sa.Connection, ids: list[str]) -> dict[str, StatedFacts]:
    last = (
        sa.select(sa.func.max(firm_facts.c.number)).where(firm_facts.c.firm_id.in_(ids)).group_by(firm_facts.c.firm_id)
    )
    query = sa.select(firm_facts).where(firm_facts.c.number.in_(last.scalar_subquery()), ~firm_facts.c.withdrawn)
    return {row.firm_id: _read(row) for row in connection.execute(query)}


def _read(row: sa.Row[tuple[object, ...]]) -> StatedFacts:
    facts = FirmFacts.model_validate_json(row.document)
    return StatedFacts(facts, row.written_by, row.written_at.replace(tzinfo=UTC))


def _append(
    connection: sa.Connection, firm_id: str, facts: FirmFacts, by: str, at: datetime, *, withdrawn: bool = False
) -> None:
    values = {
        "firm_id": firm_id,
        "withdrawn": withdrawn,
        "written_by": by,
        "written_at": at.astimezone(UTC).replace(tzinfo=None),  # as SQLite can hold it
        "document": facts.model_dump_json(exclude_defaults=True),
    }
    connection.execute(sa.insert(firm_facts).values(values))
