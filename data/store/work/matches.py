"""The work on matches in the store: an append-only table of actions; what they amount to is always replayed from it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from data.errors import ConflictError, InputError, NotFoundError
from data.records import DeclineReason, OutcomeEvent
from data.store.dashboard_tables import match_actions
from data.store.database import reading, writing
from data.work.match_state import EVENTS, UNDO, Action, ActionKind, MatchState, MatchWork, check, replay

MAX_BOARD = 2_000  # matches that a board shows at most, the latest ones


class Matches:
    """The work on the matches of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def act(self, action: Action, seen: int | None = None) -> MatchWork:
        """Add an action and return the match as it is then; an action whose token is known changes nothing.

        `seen` is the `last` of the match that the operator looked at.

        Raises:
            InputError: the action is not possible.
            ConflictError: somebody else changed the state since the operator looked.

        """
        with writing(self._engine, "match_actions") as connection:
            known = connection.execute(sa.select(match_actions).where(match_actions.c.token == action.token)).first()
            history = self._history(connection, action.demand_id, action.achievement_id)
            work = replay(action.demand_id, action.achievement_id, history)
            if known is not None:
                first = _action(known)
                if replace(first, number=0, at=action.at, undone_at=None) != replace(action, number=0):
                    raise InputError(f"the token {action.token!r} stands for another action; use a new one for each")
                return work
            check(work, action, seen)
            values = {name: value for name, value in vars(action).items() if name not in ("number", "undone_at")}
            values |= {"kind": action.kind.value, "at": _plain(action.at), "note": action.note.replace("\0", "")}
            values["value"] = action.value.replace("\0", "")
            values["reason"] = action.reason and action.reason.value
            number = connection.execute(
                sa.insert(match_actions).values(values).returning(match_actions.c.number)
            ).scalar_one()
            return replay(action.demand_id, action.achievement_id, [*history, replace(action, number=int(number))])

    def undo(self, demand_id: str, achievement_id: str, operator: str, now: datetime) -> MatchWork:
        """Take back an operator's latest action on a match, within ten minutes, and return the match as it is then.

        Raises:
            NotFoundError: there is none that can still be taken back.
            ConflictError: somebody else moved the match since.

        """
        with writing(self._engine, "match_actions") as connection:
            history = self._history(connection, demand_id, achievement_id)
            standing = [action for action in history if action.undone_at is None]
            mine = [action for action in standing if action.operator == operator and now - action.at <= UNDO]
            if not mine:
                minutes = int(UNDO.total_seconds() // 60)
                raise NotFoundError(f"{operator} did nothing with this match in the last {minutes} minutes")
            last = mine[-1]
            later = [one for one in standing if one.number > last.number and one.kind is last.kind]
            if later:
                raise ConflictError(f"{later[-1].operator} changed it since, to {later[-1].value}; undo that first")
            query = sa.update(match_actions).where(
                match_actions.c.number == last.number, match_actions.c.event_id.is_(None)
            )
            if not connection.execute(query.values(undone_at=_plain(now))).rowcount:
                raise NotFoundError("the action is an outcome event already and stays")
            return replay(demand_id, achievement_id, self._history(connection, demand_id, achievement_id))

    def work(self, demand_id: str, achievement_id: str) -> MatchWork:
        """Return what is known of the work on a match; a match that nobody touched is new."""
        with reading(self._engine) as connection:
            return replay(demand_id, achievement_id, self._history(connection, demand_id, achievement_id))

    def history(self, demand_id: str, achievement_id: str) -> list[Action]:
        """Return all actions on a match, undone ones too, oldest first."""
        with reading(self._engine) as connection:
            return self._history(connection, demand_id, achievement_id)

    def of_demand(self, demand_id: str) -> dict[str, MatchWork]:
        """Return the work on a demand's matches by achievement; matches that nobody touched are left out."""
        query = sa.select(match_actions).where(match_actions.c.demand_id == demand_id)
        with reading(self._engine) as connection:
            found = _replayed(_action(row) for row in connection.execute(query.order_by(match_actions.c.number)))
        return {work.achievement_id: work for work in found}

    def board(self) -> list[MatchWork]:
        """Return the matches that were worked on, the latest change first, at most `MAX_BOARD`."""
        pair = (match_actions.c.demand_id, match_actions.c.achievement_id)
        latest = (
            sa.select(*pair)
            .where(match_actions.c.undone_at.is_(None))
            .group_by(*pair)
            .order_by(sa.func.max(match_actions.c.number).desc())
            .limit(MAX_BOARD)
            .subquery()
        )
        query = sa.select(match_actions).join(
            latest,
            (match_actions.c.demand_id == latest.c.demand_id)
            & (match_actions.c.achievement_id == latest.c.achievement_id),
        )
        with reading(self._engine) as connection:
            found = _replayed(_action(row) for row in connection.execute(query.order_by(match_actions.c.number)))
        return sorted(found, key=lambda work: -work.last)

    def pending(self, before: datetime) -> list[tuple[int, OutcomeEvent]]:
        """Return the moves made before a moment that are no events yet, as events, by number."""
        query = sa.select(match_actions).where(
            match_actions.c.kind == ActionKind.MOVE.value,
            match_actions.c.event_id.is_(None),
            match_actions.c.undone_at.is_(None),
            match_actions.c.at < _plain(before),
        )
        with reading(self._engine) as connection:
            found = [_action(row) for row in connection.execute(query.order_by(match_actions.c.number))]
        return [(action.number, _event(action)) for action in found if MatchState(action.value) in EVENTS]

    def mark(self, events: Mapping[int, str]) -> None:
        """Note which actions (by number) became which events."""
        with writing(self._engine, "match_actions") as connection:
            for number, event_id in sorted(events.items()):
                query = sa.update(match_actions).where(match_actions.c.number == number)
                connection.execute(query.values(event_id=event_id))

    def _history(self, connection: sa.Connection, demand_id: str, achievement_id: str) -> list[Action]:
        query = sa.select(match_actions).where(
            match_actions.c.demand_id == demand_id, match_actions.c.achievement_id == achievement_id
        )
        return [_action(row) for row in connection.execute(query.order_by(match_actions.c.number))]


def _replayed(actions: Iterable[Action]) -> list[MatchWork]:
    by_pair: dict[tuple[str, str], list[Action]] = {}
    for action in actions:
        by_pair.setdefault((action.demand_id, action.achievement_id), []).append(action)
    return [replay(*pair, history) for pair, history in by_pair.items()]


def _event(action: Action) -> OutcomeEvent:
    """Return the outcome of a move; its id follows from the action, so that sending it twice adds it once."""
    return OutcomeEvent(
        event_id=f"match-{action.number}",
        demand_id=action.demand_id,
        achievement_id=action.achievement_id,
        kind=EVENTS[MatchState(action.value)],
        occurred_at=action.at,
        reason=action.reason,
        operator=action.operator,
    )


def _action(row: Any) -> Action:
    values = dict(row._mapping)
    values.pop("event_id")
    return Action(
        **values
        | {
            "kind": ActionKind(values["kind"]),
            "at": values["at"].replace(tzinfo=UTC),
            "undone_at": values["undone_at"] and values["undone_at"].replace(tzinfo=UTC),
            "reason": DeclineReason(values["reason"]) if values["reason"] else None,
        }
    )


def _plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)
