"""Cases and people from an event log: when each case came, how long its work took, how much each person had open."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.taxonomy.places import Place, known_cities, place_of

TAKEN = "Take in charge ticket"
DONE = "Resolve ticket"
COLUMNS = ("case_id", "activity", "resource", "timestamp")
LEAST_CASES = 20  # of a person, to be one of those among whom work is dispatched
BUSY = 0.9  # a person's places: so much of the time they had no more open than this
PRIOR = 20.0  # cases that everybody's mean counts for in a person's


@dataclass(frozen=True)
class Case:
    """A case: arrival in hours since the first one, and the hours that its work would take a person of mean speed."""

    id: str
    arrival: float
    work: float
    place: Place


@dataclass(frozen=True)
class Person:
    """Somebody who works on cases: places, how long their work takes relative to the mean, where they are."""

    id: str
    limit: int
    pace: float
    place: Place


@dataclass(frozen=True)
class Replay:
    """A log as a simulation needs it."""

    cases: tuple[Case, ...]
    people: tuple[Person, ...]


def read_replay(path: Path, capacity: float = 1.0) -> Replay:
    """Return the replay of a log of events (case_id, activity, resource, timestamp); places are scaled by `capacity`.

    The log says nothing of places: people and cases get cities of China by digest of their ids, the same each time.

    Raises:
        InputError: the file lacks a column, holds a time that cannot be read, or no case that was taken and resolved.

    """
    worked = _worked(path)
    if not worked:
        raise InputError(f"{path} holds no case with {TAKEN!r} and {DONE!r}; nothing can be replayed")
    own: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _, person, _, start, end in worked:
        own[person].append((start, end))
    people = {who for who, spans in own.items() if len(spans) >= LEAST_CASES} or set(own)
    mean = float(np.mean([end - start for _, _, _, start, end in worked]))
    paces = {who: _pace([end - start for start, end in spans], mean) for who, spans in own.items()}
    cases = [
        Case(case, arrival, (end - start) / paces[person], _somewhere(case))
        for case, person, arrival, start, end in worked
    ]
    first = min(case.arrival for case in cases)
    ordered = sorted((Case(c.id, c.arrival - first, c.work, c.place) for c in cases), key=lambda c: (c.arrival, c.id))
    team = [
        Person(who, max(1, round(capacity * _usual_load(own[who]))), paces[who], _somewhere(who))
        for who in sorted(people)
    ]
    return Replay(tuple(ordered), tuple(team))


def _worked(path: Path) -> list[tuple[str, str, float, float, float]]:
    """Return case, person who took it first, arrival, begin and end of the work, in hours."""
    steps: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{path} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
            for row in reader:
                moment = _hours(row["timestamp"], path, reader.line_num)
                steps[row["case_id"]].append((moment, row["activity"], row["resource"]))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    found = []
    for case, events in steps.items():
        events.sort()
        begin = next(((moment, who) for moment, what, who in events if what == TAKEN), None)
        end = max((moment for moment, what, _ in events if what == DONE), default=None)
        if begin is not None and end is not None and end >= begin[0]:
            found.append((case, begin[1], events[0][0], begin[0], end))
    return found


def _hours(text: str, path: Path, line: int) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{path}:{line}: {text[:40]!r} is no time; write it as 2011-05-20 12:41:53+00:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / 3600


def _pace(hours: Sequence[float], mean: float) -> float:
    return (sum(hours) + PRIOR * mean) / ((len(hours) + PRIOR) * mean) if mean > 0 else 1.0


def _usual_load(spans: Sequence[tuple[float, float]]) -> float:
    """Return how many cases somebody had open, at most, `BUSY` of the time in which they had any."""
    changes = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    load, hours = 0, defaultdict[int, float](float)
    for (moment, change), (after, _) in zip(changes, [*changes[1:], changes[-1]], strict=True):
        load += change
        hours[load] += after - moment
    hours.pop(0, None)
    total, so_far = sum(hours.values()), 0.0
    for size in sorted(hours):
        so_far += hours[size]
        if so_far >= BUSY * total:
            return size
    return 1


def _somewhere(name: str) -> Place:
    codes = known_cities()
    place = place_of(codes[int(sha256(name.encode()).hexdigest(), 16) % len(codes)])
    return place or (35.0, 110.0)
