"""A discrete-event simulation of dispatching: cases arrive, wait for a place, are worked on, and free the place again."""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from data.taxonomy.places import distance_km
from eval.dispatch.replay import Case, Person, Replay
from matcher.assignment.skill import relative_speeds
from matcher.assignment.solve import assign, by_age
from matcher.assignment.types import Task, Worker

KM_PER_HOUR = 80.0  # of the way there and back, which is part of the work
RECENT_HOURS = 30 * 24.0
ARRIVAL, DONE = 0, 1


@dataclass
class State:
    """What a dispatcher knows at a moment: who has what open, and what closed cases took."""

    people: Sequence[Person]
    now: float = 0.0
    open: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    closed: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    given: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    turn: int = 0

    def free(self, person: Person) -> int:
        """Return how many places of a person are free."""
        return person.limit - self.open[person.id]


Dispatcher = Callable[[State, Sequence[Case]], dict[str, str | None]]
"""Gives waiting cases, oldest first, to people; None: it waits on. Without a free place it waits in that person's queue."""


def least_cost(state: State, waiting: Sequence[Case]) -> dict[str, str | None]:
    """Dispatch as the product does: least cost under capacities, the oldest cases first when places are scarce."""
    speeds = relative_speeds(state.closed)
    for given in state.given.values():
        while given and given[0] < state.now - RECENT_HOURS:
            given.popleft()
    workers = [
        Worker(
            person.id,
            person.limit,
            person.place,
            open=state.open[person.id],
            recent=len(state.given[person.id]),
            skill=speeds.get(person.id, 0.5),
        )
        for person in state.people
    ]
    asked = zip(waiting, by_age(len(waiting)), strict=True)
    return assign([Task(case.id, case.place, priority=rank) for case, rank in asked], workers)


def round_robin(state: State, waiting: Sequence[Case]) -> dict[str, str | None]:
    """Give each case to the next person in turn, free or not."""
    found: dict[str, str | None] = {}
    for case in waiting:
        found[case.id] = state.people[state.turn % len(state.people)].id
        state.turn += 1
    return found


def nearest_first(state: State, waiting: Sequence[Case]) -> dict[str, str | None]:
    """Give each case to the nearest person, free or not."""
    return {case.id: min(state.people, key=lambda p: (distance_km(p.place, case.place), p.id)).id for case in waiting}


def round_robin_of_free(state: State, waiting: Sequence[Case]) -> dict[str, str | None]:
    """Give each case to the next person in turn who has a free place."""
    return _of_free(
        state, waiting, lambda _case, person: ((state.people.index(person) - state.turn) % len(state.people),)
    )


def nearest_of_free(state: State, waiting: Sequence[Case]) -> dict[str, str | None]:
    """Give each case to the nearest person who has a free place."""
    return _of_free(state, waiting, lambda case, person: (distance_km(person.place, case.place), person.id))


def _of_free(
    state: State, waiting: Sequence[Case], order: Callable[[Case, Person], tuple[object, ...]]
) -> dict[str, str | None]:
    left = {person.id: state.free(person) for person in state.people}
    found: dict[str, str | None] = {}
    for case in waiting:
        free = [person for person in state.people if left[person.id] > 0]
        if not free:
            break
        chosen = min(free, key=lambda person: order(case, person))
        left[chosen.id] -= 1
        state.turn = state.people.index(chosen) + 1
        found[case.id] = chosen.id
    return found


DISPATCHERS: dict[str, Dispatcher] = {
    "gongxu": least_cost,
    "round-robin": round_robin,
    "nearest-first": nearest_first,
    "round-robin of the free": round_robin_of_free,
    "nearest of the free": nearest_of_free,
}


@dataclass(frozen=True)
class Outcome:
    """The course of a case: who took it, its wait until the work began, its way in kilometres, its work in hours."""

    case: str
    arrival: float
    person: str
    wait: float
    km: float
    hours: float


def simulate(replay: Replay, dispatch: Dispatcher) -> list[Outcome]:
    """Return the course of every case, in the order of arrival."""
    state = State(replay.people)
    people = {person.id: person for person in replay.people}
    cases = {case.id: case for case in replay.cases}
    order = count()
    events: list[tuple[float, int, int, str, str]] = [
        (case.arrival, ARRIVAL, next(order), case.id, "") for case in replay.cases
    ]
    heapq.heapify(events)
    waiting: dict[str, Case] = {}
    own_queue: dict[str, deque[Case]] = defaultdict(deque)
    outcomes: dict[str, Outcome] = {}

    def start(case: Case, person: Person) -> None:
        state.open[person.id] += 1
        km = distance_km(person.place, case.place)
        hours = case.work * person.pace + 2 * km / KM_PER_HOUR
        outcomes[case.id] = Outcome(case.id, case.arrival, person.id, state.now - case.arrival, km, hours)
        heapq.heappush(events, (state.now + hours, DONE, next(order), case.id, person.id))

    while events:
        state.now, kind, _, case_id, who = heapq.heappop(events)
        if kind == ARRIVAL:
            waiting[case_id] = cases[case_id]
        else:
            state.open[who] -= 1
            state.closed[who].append(outcomes[case_id].hours)
            if own_queue[who]:
                start(own_queue[who].popleft(), people[who])
        if not waiting:
            continue
        for waited, chosen in sorted(dispatch(state, list(waiting.values())).items()):
            if chosen is None:
                continue
            case, person = waiting.pop(waited), people[chosen]
            state.given[chosen].append(state.now)
            if state.free(person) > 0:
                start(case, person)
            else:
                own_queue[chosen].append(case)
    return [outcomes[case.id] for case in replay.cases]


def fullest(replay: Replay, outcomes: Sequence[Outcome]) -> float:
    """Return the greatest share of somebody's places that was ever taken; above 1 a capacity was exceeded."""
    changes: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for one in outcomes:
        begin = one.arrival + one.wait
        changes[one.person] += [(begin, 1), (begin + one.hours, -1)]
    limits = {person.id: person.limit for person in replay.people}
    most = 0.0
    for person, steps in changes.items():
        open_ = 0
        for _, change in sorted(steps):  # who ends at a moment frees the place before another begins
            open_ += change
            most = max(most, open_ / limits[person])
    return most
