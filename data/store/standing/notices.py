"""Notices of standing requests in the store: one for each pair of a request and a record, at most."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import NotFoundError
from data.standing.types import Found, Notice
from data.store.database import reading, writing
from data.store.standing.requests import aware, plain
from data.store.standing.tables import standing_notices

_T = standing_notices.c


class StandingNotices:
    """The notices of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, found: Iterable[Found], due: Mapping[str, datetime], now: datetime) -> int:
        """Write the notices of what was found and return how many are new; a pair that was noticed before is not.

        `due` are by request the moments from which a webhook may carry its news; a request without one has no webhook.
        Numbers rise in the order of commits, so that a feed that read up to one misses nothing later.
        """
        rows = [
            {
                "request_id": one.request_id,
                "kind": one.kind,
                "record_id": one.record_id,
                "score": one.score,
                "found_at": plain(now),
                "due_at": plain(due.get(one.request_id, now)),
                "message_id": None if one.request_id in due else "",
                "handled_by": "",
            }
            for one in found
        ]
        if not rows:
            return 0
        insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        pair = [_T.request_id, _T.kind, _T.record_id]
        unless_known = insert(standing_notices).on_conflict_do_nothing(index_elements=pair).returning(_T.number)
        with writing(self._engine, "standing_notices") as connection:
            return len(connection.execute(unless_known, rows).scalars().all())

    def page(self, after: int = 0, limit: int = 100, request_id: str = "", *, unhandled: bool = False) -> list[Notice]:
        """Return up to `limit` notices with numbers above `after`, in their order."""
        query = sa.select(standing_notices).where(_T.number > after).order_by(_T.number).limit(limit)
        if request_id:
            query = query.where(_T.request_id == request_id)
        if unhandled:
            query = query.where(_T.handled_at.is_(None))
        with reading(self._engine) as connection:
            return [_notice(row) for row in connection.execute(query).mappings()]

    def waiting(self, limit: int) -> tuple[list[Notice], int]:
        """Return the latest notices that nobody handled yet, and how many there are."""
        alone = _T.handled_at.is_(None)
        query = sa.select(standing_notices).where(alone).order_by(_T.number.desc()).limit(limit)
        with reading(self._engine) as connection:
            number = connection.execute(sa.select(sa.func.count()).select_from(standing_notices).where(alone))
            return [_notice(row) for row in connection.execute(query).mappings()], int(number.scalar_one())

    def handle(self, number: int, by: str, now: datetime) -> Notice:
        """Note that somebody saw to a notice; who did first stays.

        Raises:
            NotFoundError: there is no such notice.

        """
        with writing(self._engine) as connection:
            query = sa.update(standing_notices).where(_T.number == number, _T.handled_at.is_(None))
            connection.execute(query.values(handled_at=plain(now), handled_by=by))
            row = connection.execute(sa.select(standing_notices).where(_T.number == number)).mappings().one_or_none()
            if row is None:
                raise NotFoundError(f"there is no notice {number}", chinese=f"没有编号为 {number} 的匹配通知")
            return _notice(row)

    def unsent(self, now: datetime, limit: int) -> list[Notice]:
        """Return notices that a webhook is to carry by now and that no message holds yet, in their order."""
        query = sa.select(standing_notices).where(_T.message_id.is_(None), _T.due_at <= plain(now))
        with reading(self._engine) as connection:
            return [_notice(row) for row in connection.execute(query.order_by(_T.number).limit(limit)).mappings()]

    def let_go(self, numbers: Sequence[int]) -> None:
        """Note that no webhook is to carry these notices."""
        with writing(self._engine) as connection:
            query = sa.update(standing_notices).where(_T.number.in_(numbers), _T.message_id.is_(None))
            connection.execute(query.values(message_id=""))


def _notice(row: Any) -> Notice:
    return Notice(
        number=int(row["number"]),
        request_id=row["request_id"],
        kind=row["kind"],
        record_id=row["record_id"],
        score=row["score"],
        found_at=aware(row["found_at"]),
        due_at=aware(row["due_at"]),
        message_id=row["message_id"] or "",
        handled_at=row["handled_at"] and aware(row["handled_at"]),
        handled_by=row["handled_by"],
    )
