"""Assignments of demands to brokers in the store: due times are kept with them, so that a restart forgets nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from data.errors import InputError, NotFoundError
from data.store.dashboard_tables import assignment_steps, assignments
from data.store.database import reading, writing
from data.store.tables import demands
from data.work.assignment_state import (
    BY_PLATFORM,
    OPEN,
    UNANSWERED,
    Assignment,
    AssignmentState,
    Outcome,
    Step,
    check_step,
    due_of,
)

MAX_LISTED = 2_000
PLATFORM = "platform"
"""Who acts when a due time passed."""
_OPEN = assignments.c.state.in_([state.value for state in OPEN])


@dataclass(frozen=True)
class Proposal:
    """A demand that a broker shall take, and what the choice rested on."""

    demand_id: str
    broker_id: str
    why: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenDemand:
    """What dispatching has to know of an open demand; `region` is a code of six digits, "" if unknown."""

    demand_id: str
    title: str
    field: str
    region: str


class Assignments:
    """The assignments of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def propose(
        self, proposals: Sequence[Proposal], limits: Mapping[str, int], by: str, now: datetime
    ) -> list[Assignment]:
        """Write proposals and return them as assignments.

        What became impossible since it was computed is left out: a demand that somebody has meanwhile, a broker whose
        open assignments reached `limits`.
        """
        with writing(self._engine, "assignments") as connection:
            load = _open_counts(connection)
            taken = {
                row.demand_id for row in connection.execute(sa.select(assignments.c.demand_id).where(_OPEN).distinct())
            }
            made = []
            for one in proposals:
                if one.demand_id in taken or load.get(one.broker_id, 0) >= limits[one.broker_id]:
                    continue
                taken.add(one.demand_id)
                load[one.broker_id] = load.get(one.broker_id, 0) + 1
                made.append(_insert(connection, one, by, now))
            return made

    def act(self, step: Step, seen: AssignmentState | None = None) -> Assignment:
        """Take a step and return the assignment as it is then; a step whose token is known changes nothing.

        Raises:
            NotFoundError: there is no such assignment.
            InputError: the step is not possible.
            ConflictError: somebody else changed the assignment since `seen`.

        """
        if step.state in BY_PLATFORM:
            raise InputError(
                f"{step.state.value} is no step that somebody takes: proposals time out by themselves, see hand-over",
                f"“{step.state.value}”由平台自动记录，转交请用转交功能",
            )
        with writing(self._engine, "assignments") as connection:
            assignment = _get(connection, step.assignment)
            query = sa.select(assignment_steps).where(assignment_steps.c.token == step.token)
            known = connection.execute(query).one_or_none()
            if known is not None:
                if (known.assignment, known.state, known.value) != (step.assignment, step.state.value, step.value):
                    raise InputError(f"the token {step.token!r} belongs to another step; use a new one for each")
                return assignment
            check_step(assignment, step, seen)
            _write_step(connection, step)
            return _get(connection, step.assignment)

    def hand_over(
        self, numbers: Sequence[int], proposals: Sequence[Proposal], by: str, now: datetime
    ) -> list[Assignment]:
        """End assignments and propose their demands to others, all in one transaction; `proposals` pair with `numbers`."""
        with writing(self._engine, "assignments") as connection:
            made = []
            for number, proposal in zip(numbers, proposals, strict=True):
                state = AssignmentState.HANDED_OVER
                step = Step(number, state, by, now, f"handover-{number}", note=f"转交 {proposal.broker_id}"[:1000])
                assignment = _get(connection, number)
                check_step(assignment, step, None)
                _write_step(connection, step)
                made.append(_insert(connection, proposal, by, now))
            return made

    def expire(self, now: datetime) -> list[Assignment]:
        """Time out the proposals that nobody answered by their due time, and return them."""
        late = (assignments.c.state == AssignmentState.PROPOSED.value) & (assignments.c.due_at < _plain(now))
        with reading(self._engine) as connection:  # hardly ever is there one: no write lock for looking
            if connection.execute(sa.select(assignments.c.number).where(late).limit(1)).first() is None:
                return []
        with writing(self._engine, "assignments") as connection:
            numbers = connection.execute(sa.select(assignments.c.number).where(late)).scalars().all()
            for number in numbers:
                _write_step(connection, Step(number, AssignmentState.TIMED_OUT, PLATFORM, now, f"timeout-{number}"))
            return [_get(connection, number) for number in numbers]

    def get(self, number: int) -> Assignment:
        """Return an assignment; NotFoundError if there is none with this number."""
        with reading(self._engine) as connection:
            return _get(connection, number)

    def steps(self, number: int) -> list[Step]:
        """Return all steps of an assignment after its proposal, oldest first."""
        query = sa.select(assignment_steps).where(assignment_steps.c.assignment == number)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(assignment_steps.c.number)).mappings()
            return [
                Step(**dict(row) | {"state": AssignmentState(row["state"]), "at": _aware(row["at"])}) for row in rows
            ]

    def listed(
        self,
        states: Collection[AssignmentState] = (),
        broker_id: str = "",
        demand_id: str = "",
        due_before: datetime | None = None,
        limit: int = MAX_LISTED,
    ) -> list[Assignment]:
        """Return the assignments that meet all conditions, the latest change first."""
        query = sa.select(assignments)
        if states:
            query = query.where(assignments.c.state.in_([state.value for state in states]))
        if broker_id:
            query = query.where(assignments.c.broker_id == broker_id)
        if demand_id:
            query = query.where(assignments.c.demand_id == demand_id)
        if due_before is not None:
            query = query.where(assignments.c.due_at < _plain(due_before))
        query = query.order_by(assignments.c.changed_at.desc(), assignments.c.number.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_assignment(row) for row in connection.execute(query).mappings()]

    def load(self, since: datetime) -> tuple[dict[str, int], dict[str, int]]:
        """Return by broker the open assignments, and the proposals since a moment."""
        recent = sa.select(assignments.c.broker_id, sa.func.count()).where(assignments.c.proposed_at >= _plain(since))
        with reading(self._engine) as connection:
            counted = connection.execute(recent.group_by(assignments.c.broker_id))
            return _open_counts(connection), {broker: int(number) for broker, number in counted}

    def refused(self, demand_ids: Collection[str]) -> dict[str, set[str]]:
        """Return by demand the brokers who declined it or let it time out."""
        query = sa.select(assignments.c.demand_id, assignments.c.broker_id).where(
            assignments.c.state.in_([state.value for state in UNANSWERED])
        )
        found: dict[str, set[str]] = {}
        with reading(self._engine) as connection:
            for demand_id, broker_id in connection.execute(query):
                if demand_id in demand_ids:
                    found.setdefault(demand_id, set()).add(broker_id)
        return found

    def latest(self) -> list[Assignment]:
        """Return the latest assignment of each demand that was ever assigned, by demand."""
        last = sa.select(sa.func.max(assignments.c.number)).group_by(assignments.c.demand_id)
        query = sa.select(assignments).where(assignments.c.number.in_(last)).order_by(assignments.c.demand_id)
        with reading(self._engine) as connection:
            return [_assignment(row) for row in connection.execute(query).mappings()]

    def assignable(self, statuses: Collection[str], today: date) -> list[OpenDemand]:
        """Return the demands of these statuses whose deadline is not over, the longest published first."""
        columns = (demands.c.id, demands.c.title, demands.c.field, demands.c.region)
        not_late = sa.or_(demands.c.deadline.is_(None), demands.c.deadline >= today)
        query = sa.select(*columns).where(~demands.c.deleted, demands.c.status.in_(statuses), not_late)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(sa.nulls_last(demands.c.published_at), demands.c.id))
            return [OpenDemand(row.id, row.title, row.field, row.region or "") for row in rows]

    def outcomes(self) -> list[tuple[str, str, bool]]:
        """Return broker, field of the demand ("" if it is gone) and success of every assignment that was closed."""
        closed = assignments.c.state.in_([AssignmentState.CLOSED.value, AssignmentState.RATED.value])
        query = sa.select(assignments.c.broker_id, demands.c.field, assignments.c.outcome).where(closed)
        joined = query.outerjoin(demands, demands.c.id == assignments.c.demand_id).order_by(assignments.c.number)
        with reading(self._engine) as connection:
            return [(row.broker_id, row.field or "", row.outcome == Outcome.DEAL) for row in connection.execute(joined)]

    def durations(self) -> list[tuple[AssignmentState, float]]:
        """Return for every step how many hours it took since the step before, with the state that it led to."""
        query = sa.select(
            assignment_steps.c.assignment, assignment_steps.c.state, assignment_steps.c.at, assignments.c.proposed_at
        ).join(assignments, assignments.c.number == assignment_steps.c.assignment)
        found: list[tuple[AssignmentState, float]] = []
        before: dict[int, datetime] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query.order_by(assignment_steps.c.number)):
                start = before.get(row.assignment, row.proposed_at)
                found.append((AssignmentState(row.state), (row.at - start).total_seconds() / 3600))
                before[row.assignment] = row.at
        return found


def _open_counts(connection: sa.Connection) -> dict[str, int]:
    query = sa.select(assignments.c.broker_id, sa.func.count()).where(_OPEN).group_by(assignments.c.broker_id)
    return {broker: int(number) for broker, number in connection.execute(query)}


def _insert(connection: sa.Connection, one: Proposal, by: str, now: datetime) -> Assignment:
    state = AssignmentState.PROPOSED
    due = due_of(state, now)
    values = {
        "demand_id": one.demand_id,
        "broker_id": one.broker_id,
        "state": state.value,
        "proposed_at": _plain(now),
        "proposed_by": by,
        "changed_at": _plain(now),
        "due_at": due and _plain(due),
        "why": orjson.dumps(one.why).decode(),
        "outcome": "",
        "value": "",
        "note": "",
    }
    row = connection.execute(sa.insert(assignments).values(values).returning(assignments)).mappings().one()
    return _assignment(row)


def _write_step(connection: sa.Connection, step: Step) -> None:
    due = due_of(step.state, step.at)
    values = {
        "assignment": step.assignment,
        "state": step.state.value,
        "by": step.by,
        "at": _plain(step.at),
        "token": step.token,
        "value": step.value,
        "note": step.note.replace("\0", ""),
    }
    connection.execute(sa.insert(assignment_steps).values(values))
    now = {
        "state": step.state.value,
        "changed_at": values["at"],
        "due_at": due and _plain(due),
        "value": step.value,
        "note": values["note"],
    }
    if step.state is AssignmentState.CLOSED:
        now["outcome"] = step.value
    connection.execute(sa.update(assignments).where(assignments.c.number == step.assignment).values(now))


def _get(connection: sa.Connection, number: int) -> Assignment:
    row = connection.execute(sa.select(assignments).where(assignments.c.number == number)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no assignment {number}", chinese=f"没有编号为 {number} 的派单")
    return _assignment(row)


def _assignment(row: Mapping[Any, Any]) -> Assignment:
    values = dict(row)
    return Assignment(
        **values
        | {
            "state": AssignmentState(values["state"]),
            "proposed_at": _aware(values["proposed_at"]),
            "changed_at": _aware(values["changed_at"]),
            "due_at": values["due_at"] and _aware(values["due_at"]),
            "why": orjson.loads(values["why"]),
        }
    )


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)
