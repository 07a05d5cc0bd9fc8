"""Brokers as their records describe them: where they work from, what they take, when they are away, who their deputy is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from data.dates import read_day
from data.kinds.record import KindRecord
from data.taxonomy.places import Place, place_of
from data.taxonomy.regions import region_code

BROKER = "broker"
DEFAULT_LIMIT = 5
"""Open assignments that a broker may have whose record states no limit."""
_SPAN = re.compile(r"\s*(?:/|~|～|至|到|—+)\s*")


@dataclass(frozen=True)
class Broker:
    """A broker; `absences` are spans of days, both ends included."""

    id: str
    name: str
    org: str = ""
    level: str = ""
    region: str = ""
    regions: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    limit: int = DEFAULT_LIMIT
    deputy: str = ""
    absences: tuple[tuple[date, date], ...] = ()
    deals: tuple[str, ...] = ()

    @property
    def place(self) -> Place | None:
        """Where the broker works from."""
        return place_of(self.region)

    def away(self, day: date) -> bool:
        """Tell whether the broker is absent on a day."""
        return any(first <= day <= last for first, last in self.absences)


def broker_of(record: KindRecord) -> Broker:
    """Return the broker that a record describes; places and days that cannot be read are left out."""
    own = record.attributes
    limit = own.get("open_limit")
    return Broker(
        record.id,
        record.title,
        record.provider,
        str(own.get("level", "")),
        record.region or "",
        frozenset(code for text in _labels(own.get("regions")) if (code := region_code(text)) is not None),
        frozenset(_labels(own.get("fields"))),
        DEFAULT_LIMIT if not isinstance(limit, int) else max(0, limit),
        str(own.get("deputy", "")).strip(),
        tuple(span for text in _labels(own.get("absences")) if (span := span_of(text)) is not None),
        tuple(line.strip() for line in re.split(r"[\n;；]", str(own.get("deals", ""))) if line.strip()),
    )


def span_of(text: str) -> tuple[date, date] | None:
    """Return the days of "2026-12-28/2027-01-05" or of one day; None if it says none, or the end is before the start."""
    parts = _SPAN.split(text.strip())
    try:
        first, last = read_day(parts[0]), read_day(parts[-1])
    except ValueError:
        return None
    return (first, last) if len(parts) <= 2 and first <= last else None


def deputy_of(broker: Broker, brokers: Mapping[str, Broker]) -> Broker | None:
    """Return the deputy of a broker, named by id or by name; None if nobody can be meant."""
    if not broker.deputy:
        return None
    if broker.deputy in brokers:
        return brokers[broker.deputy]
    named = [one for one in brokers.values() if one.name == broker.deputy and one.id != broker.id]
    return named[0] if len(named) == 1 else None


def _labels(value: object) -> Sequence[str]:
    return value if isinstance(value, tuple) else ()
