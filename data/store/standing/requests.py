"""Standing requests in the store: written, changed and ended; revisions of their own tell what is to be matched."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import orjson
import sqlalchemy as sa

from data.errors import InputError, NotFoundError, unknown_id
from data.standing.types import Digest, QuietHours, RequestState, Source, SourceKind, StandingRequest
from data.store.database import reading, writing
from data.store.standing.tables import standing_notices, standing_progress, standing_requests

MOST_REQUESTS = 100_000
CHUNK = 500  # ids in one statement
_T, _P = standing_requests.c, standing_progress.c


class StandingRequests:
    """The standing requests of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, sent: Sequence[StandingRequest]) -> list[StandingRequest]:
        """Write requests, all or none, and return them as kept; one that is in force and says the same is left as it is.

        Raises:
            InputError: there would be too many in force.

        """
        with writing(self._engine, "standing_requests") as connection:
            kept, revision = [], _revision(connection)
            for one in sent:
                row = connection.execute(sa.select(standing_requests).where(_T.id == one.id)).mappings().one_or_none()
                before = None if row is None else _request(row)
                if before is not None and _same(before, one):
                    kept.append(before)
                    continue
                revision += 1
                written = replace(one, revision=revision, matched=0, state=RequestState.ACTIVE, ended_at=None)
                if before is None:
                    connection.execute(sa.insert(standing_requests).values(_row(written)))
                else:
                    connection.execute(sa.update(standing_requests).where(_T.id == one.id).values(_row(written)))
                kept.append(written)
            connection.execute(sa.update(standing_progress).values(requests=revision))
            number = connection.execute(_counted(RequestState.ACTIVE)).scalar_one()
            if number > MOST_REQUESTS:
                raise InputError(
                    f"{number} standing requests would be in force; {MOST_REQUESTS} are allowed",
                    f"有效的订阅最多 {MOST_REQUESTS} 个",
                )
            return kept

    def end(self, ids: Iterable[str], state: RequestState, now: datetime) -> list[StandingRequest]:
        """End those of the requests that are in force, and return them; of one unsubscribed nothing more is sent."""
        ended = []
        with writing(self._engine, "standing_requests") as connection:
            revision = _revision(connection)
            for name in sorted(set(ids)):
                query = sa.select(standing_requests).where(_T.id == name, _T.state == RequestState.ACTIVE.value)
                row = connection.execute(query).mappings().one_or_none()
                if row is None:
                    continue
                revision += 1
                one = replace(_request(row), state=state, ended_at=now, revision=revision, matched=revision)
                connection.execute(sa.update(standing_requests).where(_T.id == name).values(_row(one)))
                if state is RequestState.UNSUBSCRIBED:
                    unsent = (standing_notices.c.request_id == name) & standing_notices.c.message_id.is_(None)
                    connection.execute(sa.update(standing_notices).where(unsent).values(message_id=""))
                ended.append(one)
            connection.execute(sa.update(standing_progress).values(requests=revision))
        return ended

    def touch(self, ids: Iterable[str]) -> None:
        """Have requests matched with all records again, because the record that they speak for changed."""
        with writing(self._engine, "standing_requests") as connection:
            revision = _revision(connection)
            for name in sorted(set(ids)):
                revision += 1
                query = sa.update(standing_requests).where(_T.id == name, _T.state == RequestState.ACTIVE.value)
                connection.execute(query.values(revision=revision))
            connection.execute(sa.update(standing_progress).values(requests=revision))

    def get(self, request_id: str) -> StandingRequest:
        """Return a request, ended ones too.

        Raises:
            NotFoundError: there is none with this id.

        """
        with reading(self._engine) as connection:
            query = sa.select(standing_requests).where(_T.id == request_id)
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                near = connection.execute(sa.select(_T.id).where(_T.id >= request_id).order_by(_T.id).limit(20))
                raise _unknown(request_id, list(near.scalars()))
            return _request(row)

    def page(self, after: str = "", limit: int = 100, state: RequestState | None = None) -> list[StandingRequest]:
        """Return up to `limit` requests whose ids follow `after`, ordered by id, of one state if given."""
        query = sa.select(standing_requests).where(_T.id > after).order_by(_T.id).limit(limit)
        if state is not None:
            query = query.where(_T.state == state.value)
        with reading(self._engine) as connection:
            return [_request(row) for row in connection.execute(query).mappings()]

    def named(self, ids: Iterable[str]) -> dict[str, StandingRequest]:
        """Return the requests that exist of those named, by id."""
        wanted = sorted(set(ids))
        found: dict[str, StandingRequest] = {}
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), CHUNK):
                query = sa.select(standing_requests).where(_T.id.in_(wanted[start : start + CHUNK]))
                found |= {row["id"]: _request(row) for row in connection.execute(query).mappings()}
        return found

    def changes_since(self, revision: int) -> list[StandingRequest]:
        """Return the requests that changed after a revision, by ascending revision."""
        query = sa.select(standing_requests).where(_T.revision > revision).order_by(_T.revision)
        with reading(self._engine) as connection:
            return [_request(row) for row in connection.execute(query).mappings()]

    def expired(self, today: date) -> list[str]:
        """Return the ids of the requests in force whose last day is over."""
        query = sa.select(_T.id).where(_T.state == RequestState.ACTIVE.value, _T.valid_until < today)
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def of_sources(self, sources: Iterable[tuple[str, str]]) -> list[StandingRequest]:
        """Return the requests in force that speak for one of the records, given by kind and id."""
        found: list[StandingRequest] = []
        by_kind: dict[str, set[str]] = {}
        for kind, record_id in sources:
            by_kind.setdefault(kind, set()).add(record_id)
        with reading(self._engine) as connection:
            for kind, ids in by_kind.items():
                wanted = sorted(ids)
                for start in range(0, len(wanted), CHUNK):
                    query = sa.select(standing_requests).where(
                        _T.source_kind == kind,
                        _T.source_id.in_(wanted[start : start + CHUNK]),
                        _T.state == RequestState.ACTIVE.value,
                    )
                    found += [_request(row) for row in connection.execute(query).mappings()]
        return found

    def progress(self) -> tuple[int, int]:
        """Return the highest revision of requests, and that of records up to which requests were matched."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(_P.requests, _P.records)).one()
            return int(row.requests), int(row.records)

    def matched(self, given: Iterable[tuple[str, int]]) -> None:
        """Note up to which of its revisions each request was matched with all records."""
        with writing(self._engine, "standing_requests") as connection:
            for name, revision in given:
                query = sa.update(standing_requests).where(_T.id == name, _T.matched < revision)
                connection.execute(query.values(matched=revision))

    def followed(self, records: int) -> None:
        """Note the revision of records up to which all requests were matched."""
        with writing(self._engine, "standing_requests") as connection:
            connection.execute(sa.update(standing_progress).values(records=records))

    def counts(self) -> dict[str, int]:
        """Return how many requests there are, by state."""
        query = sa.select(_T.state, sa.func.count()).group_by(_T.state)
        with reading(self._engine) as connection:
            return {state: int(number) for state, number in connection.execute(query)}


def _counted(state: RequestState) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(standing_requests).where(_T.state == state.value)


def _revision(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(_P.requests)).scalar_one())


def _same(before: StandingRequest, sent: StandingRequest) -> bool:
    """Tell whether a request that is in force is sent again as it is."""
    again = replace(
        sent,
        created_at=before.created_at,
        created_by=before.created_by,
        revision=before.revision,
        matched=before.matched,
    )
    return before.state is RequestState.ACTIVE and again == before


def _row(one: StandingRequest) -> dict[str, Any]:
    asked = {"kinds": one.kinds, "filters": one.filters, "conditions": one.conditions}
    quiet = one.quiet
    return {
        "id": one.id,
        "source": one.source.of.value,
        "source_kind": one.source.kind,
        "source_id": one.source.id,
        "text": one.source.text.replace("\0", ""),
        "asked": orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode(),
        "least": one.least,
        "endpoint": one.endpoint,
        "digest": one.digest.value,
        "quiet": "" if quiet is None else f"{quiet.begin:%H:%M}/{quiet.end:%H:%M}",
        "valid_until": one.valid_until,
        "state": one.state.value,
        "created_at": plain(one.created_at),
        "created_by": one.created_by,
        "ended_at": one.ended_at and plain(one.ended_at),
        "revision": one.revision,
        "matched": one.matched,
    }


def _request(row: Any) -> StandingRequest:
    asked = orjson.loads(row["asked"])
    quiet = [time.fromisoformat(part) for part in row["quiet"].split("/")] if row["quiet"] else []
    return StandingRequest(
        id=row["id"],
        source=Source(SourceKind(row["source"]), row["source_id"], row["source_kind"], row["text"]),
        kinds=tuple(asked["kinds"]),
        least=row["least"],
        created_at=aware(row["created_at"]),
        created_by=row["created_by"],
        filters=asked["filters"],
        conditions=asked["conditions"],
        endpoint=row["endpoint"],
        digest=Digest(row["digest"]),
        quiet=QuietHours(*quiet) if quiet else None,
        valid_until=row["valid_until"],
        state=RequestState(row["state"]),
        ended_at=row["ended_at"] and aware(row["ended_at"]),
        revision=int(row["revision"]),
        matched=int(row["matched"]),
    )


def aware(moment: datetime) -> datetime:
    """Return a moment of the database with its offset."""
    return moment.replace(tzinfo=UTC)


def plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _unknown(request_id: str, near: list[str]) -> NotFoundError:
    error = unknown_id("standing request", request_id, near)
    return NotFoundError(str(error), error.nearest, f"没有编号为“{request_id}”的订阅")
