"""Dispatch: demands go to brokers, proposals that nobody answers go on to deputies, and what nobody takes to operators."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from statistics import median

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError, NotFoundError
from data.kinds.record import RecordStatus
from data.store.store import Store
from data.store.work.assignments import PLATFORM, Proposal
from data.taxonomy.places import place_of
from data.work.assignment_state import (
    OPEN,
    UNANSWERED,
    Assignment,
    AssignmentState,
    escalation,
)
from matcher.assignment.brokers import BROKER, Broker, broker_of, deputy_of
from matcher.assignment.costs import way_of
from matcher.assignment.skill import SkillRates, blended
from matcher.assignment.solve import assign, by_age
from matcher.assignment.types import Task, Worker
from matcher.collection.filters import OPEN_STATUSES
from matcher.kinds.expertise import Expertise

RECENT = timedelta(days=30)
"""Proposals of this time count for a fair share."""
MAX_BATCH = 500
"""Demands that one dispatch takes at most, the oldest first."""


@dataclass(frozen=True)
class Waiting:
    """An open demand that nobody works on; `refused` are the brokers who declined it or did not answer."""

    demand_id: str
    title: str
    field: str
    region: str
    refused: frozenset[str] = frozenset()
    # How its latest assignment ended; None if it had none.
    ended: Assignment | None = None


@dataclass(frozen=True)
class Dispatched:
    """What a dispatch came to: proposals, made or only planned, and the demands that nobody can take now."""

    proposals: tuple[Proposal, ...]
    made: tuple[Assignment, ...]
    left: tuple[str, ...]


def all_brokers(store: Store) -> dict[str, Broker]:
    """Return the brokers whose records are in force, by id."""
    today = datetime.now(CHINA_STANDARD_TIME).date()
    found = {}
    for record in store.kinds.all(BROKER):
        if record.status is RecordStatus.ACTIVE and (record.valid_until is None or record.valid_until >= today):
            found[record.id] = broker_of(record)
    return found


def waiting(store: Store, demand_ids: Collection[str] | None = None) -> list[Waiting]:
    """Return the open demands that nobody works on or closed, of `demand_ids` if given; the longest published first."""
    latest = {one.demand_id: one for one in store.assignments.latest()}
    done = (*OPEN, AssignmentState.CLOSED, AssignmentState.RATED)
    today = datetime.now(CHINA_STANDARD_TIME).date()
    refused = store.assignments.refused(latest)
    found = []
    for one in store.assignments.assignable(OPEN_STATUSES, today):
        last = latest.get(one.demand_id)
        wanted = demand_ids is None or one.demand_id in demand_ids
        if wanted and (last is None or last.state not in done):
            without = frozenset(refused.get(one.demand_id, ()))
            found.append(Waiting(one.demand_id, one.title, one.field, one.region, without, last))
    return found


def dispatch(
    store: Store,
    by: str,
    now: datetime,
    demand_ids: Sequence[str] | None = None,
    *,
    dry_run: bool = False,
) -> Dispatched:
    """Propose demands to brokers at the least total cost that capacities allow; a demand that somebody has is left alone.

    Raises:
        InputError: there is no broker, or there are too many demands.
        NotFoundError: a demand does not exist.

    """
    brokers = all_brokers(store)
    if not brokers:
        raise InputError(
            "there is no broker to dispatch to; import brokers or write them to /v1/records/broker",
            "还没有技术经理人：请先在数据导入中导入经理人表，或写入 /v1/records/broker",
        )
    if demand_ids is not None and len(demand_ids) > MAX_BATCH:
        raise InputError(f"{len(demand_ids)} demands were asked for; one dispatch takes {MAX_BATCH} at most")
    for demand_id in demand_ids or ():
        store.demand(demand_id)  # NotFoundError names near ids
    tasks = waiting(store, None if demand_ids is None else set(demand_ids))[:MAX_BATCH]
    proposals = plan(store, tasks, brokers, now)
    limits = {broker.id: broker.limit for broker in brokers.values()}
    made = [] if dry_run else store.assignments.propose(proposals, limits, by, now)
    placed = {one.demand_id for one in (proposals if dry_run else made)}
    asked = [task.demand_id for task in tasks] if demand_ids is None else dict.fromkeys(demand_ids)
    return Dispatched(tuple(proposals), tuple(made), tuple(one for one in asked if one not in placed))


def plan(store: Store, tasks: Sequence[Waiting], brokers: Mapping[str, Broker], now: datetime) -> list[Proposal]:
    """Return who should take which demand, the oldest demands first when there are fewer places than demands."""
    today = now.astimezone(CHINA_STANDARD_TIME).date()
    present = [broker for broker in brokers.values() if not broker.away(today) and broker.limit > 0]
    open_, recent = store.assignments.load(now - RECENT)
    kept = tasks[:MAX_BATCH]
    rates = SkillRates(store.assignments.outcomes())
    skills = _skills(kept, present, rates)
    workers = [
        Worker(
            broker.id,
            broker.limit,
            broker.place,
            broker.regions,
            broker.fields,
            open_.get(broker.id, 0),
            recent.get(broker.id, 0),
            {demand_id: own[broker.id] for demand_id, own in skills.items()},
        )
        for broker in present
    ]
    by_id = {worker.id: worker for worker in workers}
    priorities = by_age(len(kept))
    asked = {one.demand_id: _task(one, rank) for one, rank in zip(kept, priorities, strict=True)}
    chosen = assign(list(asked.values()), workers)
    return [
        Proposal(demand_id, broker_id, _why(asked[demand_id], by_id[broker_id], rates))
        for demand_id, broker_id in chosen.items()
        if broker_id is not None
    ]


def escalate(store: Store, now: datetime) -> list[Assignment]:
    """Time out late proposals and hand on what was refused; return the new proposals.

    A declined demand goes to the next best broker, one that timed out to the deputy; where there is none it waits for an
    operator. Safe to call from several processes at once, and after a crash.
    """
    store.assignments.expire(now)
    refused = {one.demand_id for one in store.assignments.latest() if one.state in UNANSWERED}
    if not refused:
        return []
    stuck, brokers = waiting(store, refused), all_brokers(store)
    declined = [one for one in stuck if one.ended and one.ended.state is AssignmentState.DECLINED]
    proposals = plan(store, declined[:MAX_BATCH], brokers, now) if declined and brokers else []
    for one in stuck:
        if one.ended is not None and one.ended.state is AssignmentState.TIMED_OUT:
            deputy = stand_in(one.ended.broker_id, brokers, now)
            if deputy is not None and deputy.id not in one.refused:
                proposals.append(Proposal(one.demand_id, deputy.id, {"deputy_of": one.ended.broker_id}))
    if not proposals:
        return []
    return store.assignments.propose(proposals, {one.id: one.limit for one in brokers.values()}, PLATFORM, now)


def stand_in(broker_id: str, brokers: Mapping[str, Broker], now: datetime) -> Broker | None:
    """Return the deputy of a broker who is there on the day; None if there is none."""
    broker = brokers.get(broker_id)
    deputy = deputy_of(broker, brokers) if broker else None
    return None if deputy is None or deputy.away(now.astimezone(CHINA_STANDARD_TIME).date()) else deputy


def hand_over(store: Store, broker_id: str, by: str, now: datetime, to: str = "") -> list[Assignment]:
    """Give all open assignments of a broker to another one, by default the deputy; return the new proposals.

    Raises:
        NotFoundError: there is no such broker, or no deputy is there.
        InputError: it is the same broker, or the other has not enough free places.

    """
    brokers = all_brokers(store)
    target = brokers.get(to) if to else stand_in(broker_id, brokers, now)
    if target is None:
        raise NotFoundError(
            f"nobody can stand in for {broker_id!r}; name a broker in `to`",
            chinese=f"“{broker_id}”没有在岗的代理人，请指定转交给谁",
        )
    if target.id == broker_id:
        raise InputError(f"{broker_id!r} cannot hand over to themselves", "不能转交给本人")
    held = store.assignments.listed(OPEN, broker_id=broker_id)
    free = target.limit - store.assignments.load(now - RECENT)[0].get(target.id, 0)
    if len(held) > free:
        raise InputError(
            f"{target.id} has {max(0, free)} free places for {len(held)} assignments; hand over to somebody else",
            f"{target.name}只剩 {max(0, free)} 个名额，{broker_id} 有 {len(held)} 项在办；请转交给别人或先提高上限",
        )
    proposals = [Proposal(one.demand_id, target.id, {"handed_over_by": broker_id}) for one in held]
    return store.assignments.hand_over([one.number for one in held], proposals, by, now)


def overdue(store: Store, now: datetime) -> list[tuple[Assignment, int]]:
    """Return the open assignments whose next step is late, with who has to see to them, the most urgent first."""
    late = store.assignments.listed(OPEN, due_before=now)
    return sorted(((one, escalation(one, now)) for one in late), key=lambda pair: (-pair[1], pair[0].due_at or now))


def unplaced(store: Store) -> list[Waiting]:
    """Return the demands that an operator has to place: refused, and nobody took them since."""
    refused = {one.demand_id for one in store.assignments.latest() if one.state in UNANSWERED}
    return waiting(store, refused) if refused else []


def _task(one: Waiting, priority: float) -> Task:
    return Task(one.demand_id, place_of(one.region), one.region, one.field, one.refused, priority)


def _skills(tasks: Sequence[Waiting], brokers: Sequence[Broker], rates: SkillRates) -> dict[str, dict[str, float]]:
    """Return skills in [0, 1] by demand and broker."""
    expertise = Expertise.fit({broker.id: broker.deals for broker in brokers})
    found = {}
    for task in tasks:
        near = expertise.scores(task.title) if any(broker.deals for broker in brokers) else {}
        highest = max(near.values(), default=0.0)
        found[task.demand_id] = {
            broker.id: blended(rates.rate(broker.id, task.field), rates.overall, near.get(broker.id, 0.0), highest)
            for broker in brokers
        }
    return found


def _why(task: Task, worker: Worker, rates: SkillRates) -> dict[str, object]:
    way = way_of(task, worker)
    closed, won = rates.closed(worker.id, task.field)
    return {
        "km": None if isnan(way) else round(way),
        "skill": round(worker.skill_for(task.id), 3),
        "closed": closed,
        "won": won,
        "open": worker.open,
        "limit": worker.limit,
    }


@dataclass(frozen=True)
class Summary:
    """How dispatching goes: median hours and number of steps by state, load by broker, what is late, what nobody took."""

    medians: dict[str, float]
    taken: dict[str, int]
    load: list[dict[str, object]]
    overdue: list[tuple[Assignment, int]]
    unplaced: list[Waiting]


def summary(store: Store, now: datetime) -> Summary:
    """Return how dispatching goes at a moment."""
    hours: dict[str, list[float]] = {}
    for state, taken in store.assignments.durations():
        hours.setdefault(state.value, []).append(taken)
    open_, _ = store.assignments.load(now - RECENT)
    today = now.astimezone(CHINA_STANDARD_TIME).date()
    load: list[dict[str, object]] = [
        {
            "broker_id": one.id,
            "name": one.name,
            "open": open_.get(one.id, 0),
            "limit": one.limit,
            "away": one.away(today),
        }
        for one in all_brokers(store).values()
    ]
    medians = {state: median(taken) for state, taken in hours.items()}
    return Summary(
        medians, {state: len(each) for state, each in hours.items()}, load, overdue(store, now), unplaced(store)
    )
