"""Matches standing requests with what is written to the store: one process of a store at a time, nothing left out.

How far it got is in the store. A crash repeats a batch at most, and a notice is written once a pair.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path

import structlog

from data.dates import CHINA_STANDARD_TIME
from data.errors import NotFoundError
from data.kinds.declaration import Role
from data.locks import taken
from data.standing.schedule import due_at
from data.standing.types import Found, RequestState, SourceKind, StandingRequest
from data.store.locks import HeldLock
from data.store.store import Store
from matcher.engine import Engine
from matcher.standing.index import MOST_FIRST, StandingIndex
from matcher.standing.requests import ACHIEVEMENT, DEMAND, Watched, WatchedRequest
from matcher.texts.space import record_text
from serving.runtime.kinds import KindHolder
from serving.runtime.live import LiveModel
from serving.runtime.standing.subjects import record_of, watched

BATCH = 100
"""Records matched between two notes of how far it got; also requests that are taken in at once."""
LOCK = "standing.lock"
NAMES = {"achievements": ACHIEVEMENT, "demands": DEMAND}

log = structlog.get_logger("gongxu.standing")


class StandingMatcher:
    """Follows requests and records; one thread calls `refresh` again and again."""

    def __init__(self, home: Path, kinds: KindHolder) -> None:
        self._lock = home / LOCK
        self._held: int | None = None
        self._shared: HeldLock | None = None
        self._kinds = kinds
        self._engine: Engine | None = None
        self._index: StandingIndex | None = None
        self._requests: dict[str, StandingRequest] = {}
        self._revision = 0
        self._day: date | None = None
        self._seen: tuple[object, ...] = ()

    def refresh(self, live: LiveModel, store: Store, now: datetime) -> int:
        """Match what was written since the last call and return how many notices came of it; 0 where others are at it.

        As long as nobody registered a request nothing is done.
        """
        requests, today = store.standing.progress()[0], now.astimezone(CHINA_STANDARD_TIME).date()
        seen = (requests, store.watermark(), today, live.engine)
        if not requests or seen == self._seen:
            return 0
        if not self._chosen(store):
            return 0
        mark = store.watermark()
        live.catch_up(store)
        if live.is_behind(store, mark):
            return 0  # shards follow the store by themselves
        number = self._refresh(live, store, mark, today, now)
        self._seen = seen
        return number

    def close(self) -> None:
        """Leave the matching to another process."""
        if self._shared is not None:
            self._shared.release()
            self._shared = None
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _chosen(self, store: Store) -> bool:
        """Tell whether this process is the one that matches, of this machine's and then of all machines'.

        It remains so from then on: the requests' texts are encoded in one process alone, and by another once this one ends.
        """
        if self._shared is not None and not self._shared.alive:
            self._shared.release()  # the database was away: another machine may have taken over
            self._shared = None
        if self._held is None:
            self._held = taken(self._lock)
        if self._held is not None and self._shared is None:
            self._shared = store.locks.take("standing")
        return self._held is not None and self._shared is not None

    def _refresh(self, live: LiveModel, store: Store, mark: int, today: date, now: datetime) -> int:
        self._kinds.refresh(live.engine, store)
        store.standing.end(store.standing.expired(today), RequestState.EXPIRED, now)
        records = store.standing.progress()[1]
        changes = _changes(store, records, mark) if mark > records else []
        sources = store.standing.of_sources((kind, record_id) for kind, record_id, _, _ in changes)
        store.standing.touch([one.id for one in sources if one.revision <= one.matched])
        index = self._taken_in(live.engine, store, today, now)
        # Pairs with what was there before: all of it is in the engine, which follows the store up to `mark`.
        fresh = [one for one in self._requests.values() if one.matched < one.revision]
        if all(one.matched == 0 for one in self._requests.values()):
            changes = []  # nobody watched when they were written
        number = self._with_all_records(live.engine, store, index, fresh, today, now)
        watchable = {kind.name for kind in self._kinds.kinds.values() if kind.role in (Role.SUPPLY, Role.ASK)}
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            written = [record for kind, _, record, _ in batch if record is not None and kind in watchable]
            found = chain.from_iterable(index.requests_for(*one, today) for one in index.encode(written))
            number += self._noted(store, found, now)
            store.standing.followed(batch[-1][3])
        if mark > records:
            store.standing.followed(mark)
        return number

    def _taken_in(self, engine: Engine, store: Store, today: date, now: datetime) -> StandingIndex:
        """Return the index of the requests as they are now; what they speak for is looked at again every day."""
        if self._engine is not engine or self._index is None:
            self._engine, self._index = engine, StandingIndex.empty(engine, self._kinds.kinds)
            self._requests, self._revision = {}, 0
        elif self._day != today:
            speaking = [one for one in self._requests.values() if one.source.of is not SourceKind.TEXT]
            gone = [one.id for one in speaking if watched(store, self._kinds.kinds, one, today) is None]
            store.standing.end(gone, RequestState.GONE, now)
        self._day = today
        changed = store.standing.changes_since(self._revision)
        gone = []
        for start in range(0, len(changed), BATCH * 10):
            batch, read = changed[start : start + BATCH * 10], []
            for one in batch:
                self._requests.pop(one.id, None)
                if one.state is not RequestState.ACTIVE:
                    continue
                subject = watched(store, self._kinds.kinds, one, today)
                if subject is None or not _says_something(subject):
                    gone.append(one.id)
                    continue
                self._requests[one.id] = one
                read.append(subject)
            ended = [one.id for one in batch if one.id not in self._requests]
            self._index = self._index.with_changes(engine, read, ended)
            self._revision = batch[-1].revision
        if gone:
            store.standing.end(gone, RequestState.GONE, now)
        return self._index

    def _with_all_records(
        self,
        engine: Engine,
        store: Store,
        index: StandingIndex,
        fresh: Sequence[StandingRequest],
        today: date,
        now: datetime,
    ) -> int:
        """Match requests that are new or speak for a changed record with everything that is offered, the best first."""
        kinds, number = self._kinds.index(engine, store), 0
        for start in range(0, len(fresh), BATCH):
            batch, found = fresh[start : start + BATCH], []
            for one in batch:
                best = 0
                for score, kind, record_id in index.near(engine, kinds, one.id):
                    if best == MOST_FIRST:
                        break
                    try:
                        record = record_of(store, self._kinds.kinds, kind, record_id)
                    except NotFoundError:
                        continue
                    if index.admitted(one.id, kind, record, today):
                        found.append(Found(one.id, kind, record_id, score))
                        best += 1
            number += self._noted(store, found, now)
            store.standing.matched((one.id, one.revision) for one in batch)
            for one in batch:
                self._requests[one.id] = store.standing.get(one.id)
        return number

    def _noted(self, store: Store, found: Iterable[Found], now: datetime) -> int:
        """Write notices, each with the moment from which its request wants to be sent it."""
        withheld = store.quality.withheld()
        kept = [one for one in found if one.record_id not in withheld.get(one.kind, ())]
        asked = {one.request_id: self._requests[one.request_id] for one in kept}
        due = {name: due_at(now, one.digest, one.quiet) for name, one in asked.items() if one.endpoint}
        number = store.notices.add(kept, due, now)
        if number:
            log.info("standing requests matched", notices=number)
        return number


def _says_something(subject: WatchedRequest) -> bool:
    return any(record is not None and record_text(record).full for record in (subject.wants, subject.offers))


def _changes(store: Store, after: int, upto: int) -> list[tuple[str, str, Watched | None, int]]:
    """Return kind, id, record (None: deleted) and revision of what changed in a span of revisions, in their order."""
    own = ((NAMES[one.kind], one.record_id, one.record, one.revision) for one in store.changes_since(after))
    others = ((one.kind, one.record_id, one.record, one.revision) for one in store.kinds.changes_since(after))
    found: list[tuple[str, str, Watched | None, int]] = [*own, *others]
    return sorted((one for one in found if one[3] <= upto), key=lambda one: one[3])
