"""What the store says of what was done, and of what changed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from data.records import Record, RecordKind

EventResult = Literal["added", "known", "conflicting"]


@dataclass(frozen=True)
class EventCounts:
    """Outcomes of events that were sent: `conflicting` ones had a known id but other content, the first stays."""

    added: int = 0
    known: int = 0
    conflicting: int = 0

    def __add__(self, other: "EventCounts") -> "EventCounts":
        return EventCounts(self.added + other.added, self.known + other.known, self.conflicting + other.conflicting)

    @classmethod
    def of(cls, results: Iterable[EventResult]) -> Self:
        """Return how often each result occurs."""
        counted = Counter(results)
        return cls(counted["added"], counted["known"], counted["conflicting"])


@dataclass(frozen=True)
class StoreCounts:
    """How much the store holds; deleted records do not count."""

    achievements: int
    demands: int
    events: int


@dataclass(frozen=True)
class Change:
    """The latest state of a record that changed: `record` is None when it was deleted."""

    kind: RecordKind
    record_id: str
    record: Record | None
    revision: int
