"""What operators said of proposed pairs: a queue of pairs to judge, and judgements that become events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import InputError, NotFoundError
from data.records import EventKind, OutcomeEvent
from data.store.dashboard_tables import review_queue, reviews
from data.store.database import reading, writing

STRATA = ("uncertain", "disagreement", "value", "random")
"""Why a pair was chosen: the model is unsure, two models disagree, much money is at stake, or by lot."""
SECOND_OPINION = "second"
REASON_CODES = (
    "same_problem",
    "partial",
    "other_field",
    "too_early",
    "benefit_unclear",
    "route_unclear",
    "price",
    "location",
    "already_solved",
    "vague",
    "other",
)
MAX_NOTE = 1_000


@dataclass(frozen=True)
class QueuedPair:
    """A pair that waits for a judgement; probabilities are those of the serving and of the other model."""

    demand_id: str
    achievement_id: str
    stratum: str
    probability: float | None
    other_probability: float | None
    bundle_version: str
    number: int = 0


@dataclass(frozen=True)
class Review:
    """One operator's judgement of one pair: `level` 1 (无) to 4 (强)."""

    demand_id: str
    achievement_id: str
    reviewer: str
    level: int
    reasons: tuple[str, ...]
    note: str
    stratum: str
    probability: float | None
    bundle_version: str
    seconds: float
    reviewed_at: datetime
    undone_at: datetime | None = None
    event_id: str | None = None
    number: int = 0


class Reviews:
    """The queue and the judgements of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def queue(self, pairs: Iterable[QueuedPair], now: datetime) -> int:
        """Put pairs into the queue; those that wait or were judged already are left out. Return how many went in."""
        insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        added = 0
        with writing(self._engine) as connection:
            for pair in pairs:
                same = (reviews.c.demand_id == pair.demand_id) & (reviews.c.achievement_id == pair.achievement_id)
                if connection.execute(sa.select(reviews.c.number).where(same, reviews.c.undone_at.is_(None))).first():
                    continue
                values = {name: value for name, value in vars(pair).items() if name != "number"}
                statement = insert(review_queue).values(values | {"queued_at": _plain(now)}).on_conflict_do_nothing()
                added += connection.execute(statement).rowcount
        return added

    def waiting(self) -> dict[str, int]:
        """Return how many pairs wait, by why they were chosen."""
        query = sa.select(review_queue.c.stratum, sa.func.count()).group_by(review_queue.c.stratum)
        with reading(self._engine) as connection:
            found: dict[str, int] = {row[0]: int(row[1]) for row in connection.execute(query)}
        return {stratum: found.get(stratum, 0) for stratum in STRATA}

    def next_pairs(self, reviewer: str, limit: int, stratum: str = "") -> list[QueuedPair]:
        """Return the pairs that wait longest and that `reviewer` has not judged; of all strata or of one.

        `SECOND_OPINION` means the pairs that exactly one other operator judged.
        """
        if stratum == SECOND_OPINION:
            return self._second_opinions(reviewer, limit)
        query = sa.select(review_queue).order_by(review_queue.c.number).limit(limit)
        if stratum:
            query = query.where(review_queue.c.stratum == stratum)
        with reading(self._engine) as connection:
            return [_queued(row) for row in connection.execute(query)]

    def _second_opinions(self, reviewer: str, limit: int) -> list[QueuedPair]:
        table = reviews
        query = (
            sa.select(
                table.c.demand_id,
                table.c.achievement_id,
                sa.func.max(table.c.probability).label("probability"),
                sa.func.max(table.c.bundle_version).label("bundle_version"),
            )
            .where(table.c.undone_at.is_(None))
            .group_by(table.c.demand_id, table.c.achievement_id)
            .having(sa.func.count(table.c.reviewer.distinct()) == 1, sa.func.max(table.c.reviewer) != reviewer)
            .order_by(sa.func.min(table.c.number))
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [
                QueuedPair(row.demand_id, row.achievement_id, SECOND_OPINION, row.probability, None, row.bundle_version)
                for row in connection.execute(query)
            ]

    def queued(self, demand_id: str, achievement_id: str) -> QueuedPair | None:
        """Return a pair as it waits, None if it does not."""
        pair = (review_queue.c.demand_id == demand_id) & (review_queue.c.achievement_id == achievement_id)
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(review_queue).where(pair)).first()
        return _queued(row) if row else None

    def drop(self, demand_id: str, achievement_id: str) -> None:
        """Take a pair out of the queue, as one of its records is gone."""
        pair = (review_queue.c.demand_id == demand_id) & (review_queue.c.achievement_id == achievement_id)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(review_queue).where(pair))

    def judge(self, review: Review) -> int:
        """Store a judgement, take its pair out of the queue and return the judgement's number.

        Raises:
            InputError: the level is not 1-4, a reason is unknown, or this operator judged the pair already.

        """
        if not 1 <= review.level <= 4:
            raise InputError(f"level is {review.level}; it must be 1 to 4")
        for reason in review.reasons:
            if reason not in REASON_CODES:
                raise InputError(f"unknown reason {reason!r}; known: {', '.join(REASON_CODES)}")
        with writing(self._engine) as connection:
            mine = (
                (reviews.c.demand_id == review.demand_id)
                & (reviews.c.achievement_id == review.achievement_id)
                & (reviews.c.reviewer == review.reviewer)
                & reviews.c.undone_at.is_(None)
            )
            if connection.execute(sa.select(reviews.c.number).where(mine)).first():
                raise InputError(
                    f"{review.reviewer} has judged {review.demand_id} with {review.achievement_id} already"
                )
            values = {name: value for name, value in vars(review).items() if name != "number"}
            values |= {"reasons": ",".join(review.reasons), "reviewed_at": _plain(review.reviewed_at)}
            values["note"] = review.note.replace("\0", "")[:MAX_NOTE]
            number = connection.execute(sa.insert(reviews).values(values).returning(reviews.c.number)).scalar_one()
            pair = (review_queue.c.demand_id == review.demand_id) & (
                review_queue.c.achievement_id == review.achievement_id
            )
            connection.execute(sa.delete(review_queue).where(pair))
        return int(number)

    def undo(self, reviewer: str, now: datetime) -> Review:
        """Take back an operator's latest judgement and put its pair back into the queue; return the judgement.

        Raises:
            NotFoundError: there is none that is not an event yet.

        """
        mine = (reviews.c.reviewer == reviewer) & reviews.c.undone_at.is_(None) & reviews.c.event_id.is_(None)
        with writing(self._engine) as connection:
            query = sa.select(reviews).where(mine).order_by(reviews.c.number.desc()).limit(1)
            row = connection.execute(query).first()
            if row is None:
                raise NotFoundError("there is nothing left to undo; judgements that became events stay")
            review = _review(row)
            this = reviews.c.number == review.number
            connection.execute(sa.update(reviews).where(this).values(undone_at=_plain(now)))
            if review.stratum in STRATA:
                values = {
                    "demand_id": review.demand_id,
                    "achievement_id": review.achievement_id,
                    "stratum": review.stratum,
                    "probability": review.probability,
                    "bundle_version": review.bundle_version,
                    "queued_at": _plain(now),
                }
                insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
                connection.execute(insert(review_queue).values(values).on_conflict_do_nothing())
        return review

    def pending(self, before: datetime, reviewer: str = "") -> list[tuple[int, OutcomeEvent]]:
        """Return the judgements given before a moment (of one operator, if named) that are no events yet, as events."""
        query = sa.select(reviews).where(
            reviews.c.event_id.is_(None), reviews.c.undone_at.is_(None), reviews.c.reviewed_at < _plain(before)
        )
        if reviewer:
            query = query.where(reviews.c.reviewer == reviewer)
        with reading(self._engine) as connection:
            found = [_review(row) for row in connection.execute(query.order_by(reviews.c.number))]
        return [(review.number, _event(review)) for review in found]

    def mark(self, events: Mapping[int, str]) -> None:
        """Note which judgements (by number) became which events."""
        with writing(self._engine) as connection:
            for number, event_id in sorted(events.items()):
                connection.execute(sa.update(reviews).where(reviews.c.number == number).values(event_id=event_id))

    def all(self, demand_id: str = "", achievement_id: str = "") -> list[Review]:
        """Return the judgements in force, of all pairs or of one, oldest first."""
        query = sa.select(reviews).where(reviews.c.undone_at.is_(None)).order_by(reviews.c.number)
        if demand_id:
            query = query.where(reviews.c.demand_id == demand_id, reviews.c.achievement_id == achievement_id)
        with reading(self._engine) as connection:
            return [_review(row) for row in connection.execute(query)]


def _event(review: Review) -> OutcomeEvent:
    """Return the event of a judgement; its id follows from the judgement, so that sending it twice adds it once."""
    return OutcomeEvent(
        event_id=f"review-{review.number}",
        demand_id=review.demand_id,
        achievement_id=review.achievement_id,
        kind=EventKind.JUDGEMENT,
        occurred_at=review.reviewed_at,
        bundle_version=review.bundle_version,
        level=review.level,
    )


def _queued(row: Any) -> QueuedPair:
    return QueuedPair(**{name: value for name, value in row._mapping.items() if name != "queued_at"})


def _review(row: Any) -> Review:
    values = {name: _in_utc(value) for name, value in row._mapping.items()}
    values["reasons"] = tuple(filter(None, values["reasons"].split(",")))
    return Review(**values)


def _plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
