"""What operators decided about groups of records that look like one, and how such a decision is carried out or undone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from data.errors import InputError, NotFoundError
from data.records import Achievement, AchievementStatus, Demand, DemandStatus
from data.store.dashboard_tables import duplicate_decisions
from data.store.database import begin_write, translated_errors
from data.store.store import Store

MERGED, DISMISSED = "merged", "dismissed"
MERGED_INTO = "merged_into"
"""Key in a record's `extra` that names the record which stands for it now, and the status it had."""
_STATUS_BEFORE = "status_before_merge"


@dataclass(frozen=True)
class DuplicateDecision:
    """One decision about one group."""

    number: int
    side: str
    cluster: str
    decision: str
    kept_id: str | None
    ids: tuple[str, ...]
    operator: str
    decided_at: datetime


def decisions(store: Store) -> list[DuplicateDecision]:
    """Return the decisions in force, newest first."""
    table = duplicate_decisions
    query = sa.select(table).where(table.c.undone_at.is_(None)).order_by(table.c.number.desc())
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        return [_decision(row) for row in connection.execute(query)]


def dismiss(store: Store, side: str, cluster: str, ids: Sequence[str], operator: str, now: datetime) -> None:
    """Note that a group holds different records."""
    _note(store, side, cluster, DISMISSED, None, ids, operator, now)


def merge(store: Store, side: str, cluster: str, ids: Sequence[str], kept: str, operator: str, now: datetime) -> None:
    """Let one record of a group represent all: the others are withdrawn and name it; nothing is deleted.

    Raises:
        InputError: `kept` is not of the group.
        NotFoundError: a record is gone.

    """
    if kept not in ids:
        raise InputError(f"the record to keep, {kept!r}, is not of the group {', '.join(ids[:5])}")
    others = [record_id for record_id in ids if record_id != kept]
    if side == "achievements":
        store.achievement(kept)
        store.upsert_achievements([_withdrawn_achievement(store.achievement(one), kept) for one in others])
    else:
        store.demand(kept)
        store.upsert_demands([_withdrawn_demand(store.demand(one), kept) for one in others])
    _note(store, side, cluster, MERGED, kept, ids, operator, now)


def undo(store: Store, number: int, now: datetime) -> DuplicateDecision:
    """Take a decision back; records that a merger withdrew get the status they had. Returns the decision.

    Raises:
        NotFoundError: there is no such decision, or it was taken back already.

    """
    found = next((one for one in decisions(store) if one.number == number), None)
    if found is None:
        raise NotFoundError(f"no decision {number} about duplicates that could be taken back")
    if found.decision == MERGED:
        others = [record_id for record_id in found.ids if record_id != found.kept_id]
        if found.side == "achievements":
            store.upsert_achievements([_restored_achievement(store.achievement(one)) for one in others])
        else:
            store.upsert_demands([_restored_demand(store.demand(one)) for one in others])
    with translated_errors(store.engine.url), begin_write(store.engine) as connection:
        this = duplicate_decisions.c.number == number
        connection.execute(sa.update(duplicate_decisions).where(this).values(undone_at=_plain(now)))
    return found


def _withdrawn_achievement(record: Achievement, kept: str) -> Achievement:
    extra = record.extra | {MERGED_INTO: kept, _STATUS_BEFORE: record.status.value}
    return record.model_copy(update={"status": AchievementStatus.WITHDRAWN, "extra": extra})


def _withdrawn_demand(record: Demand, kept: str) -> Demand:
    extra = record.extra | {MERGED_INTO: kept, _STATUS_BEFORE: record.status.value}
    return record.model_copy(update={"status": DemandStatus.WITHDRAWN, "extra": extra})


def _restored_achievement(record: Achievement) -> Achievement:
    extra = dict(record.extra)
    status = AchievementStatus(extra.pop(_STATUS_BEFORE, record.status.value))
    extra.pop(MERGED_INTO, None)
    return record.model_copy(update={"status": status, "extra": extra})


def _restored_demand(record: Demand) -> Demand:
    extra = dict(record.extra)
    status = DemandStatus(extra.pop(_STATUS_BEFORE, record.status.value))
    extra.pop(MERGED_INTO, None)
    return record.model_copy(update={"status": status, "extra": extra})


def _note(
    store: Store,
    side: str,
    cluster: str,
    decision: str,
    kept: str | None,
    ids: Sequence[str],
    operator: str,
    now: datetime,
) -> None:
    values: dict[str, Any] = {
        "side": side,
        "cluster": cluster,
        "decision": decision,
        "kept_id": kept,
        "operator": operator,
    }
    values |= {"ids": json.dumps(list(ids), ensure_ascii=False), "decided_at": _plain(now)}
    with translated_errors(store.engine.url), begin_write(store.engine) as connection:
        connection.execute(sa.insert(duplicate_decisions).values(values))


def _decision(row: Any) -> DuplicateDecision:
    return DuplicateDecision(
        row.number,
        row.side,
        row.cluster,
        row.decision,
        row.kept_id,
        tuple(json.loads(row.ids)),
        row.operator,
        row.decided_at.replace(tzinfo=UTC),
    )


def _plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)
