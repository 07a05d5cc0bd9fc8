"""Periods of days: the one looked at and the one before it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from starlette.requests import Request

from data.dates import CHINA_STANDARD_TIME
from data.records import EventKind
from data.store.dashboard_tables import daily_counts

LENGTHS = (7, 30, 90, 365)
DEFAULT = 30


@dataclass(frozen=True)
class Period:
    """Days in China, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The period of the same length that ends where this one begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Its first moment and the first one after it, in UTC without offset, as the store has them."""
        shift = timedelta(hours=8)
        first = datetime.combine(self.first, time()) - shift
        return first, datetime.combine(self.last, time()) + timedelta(days=1) - shift

    @property
    def address(self) -> dict[str, str]:
        """The values that lead to a list of the period's events."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}


def china_day_of(moment: datetime) -> date:
    """Return the day that it is in China at a moment."""
    return moment.astimezone(CHINA_STANDARD_TIME).date()


def last_day(connection: sa.Connection) -> date | None:
    """Return the latest day that has an event of the platform, None without any; judgements are the operators' own."""
    table = daily_counts
    query = sa.select(sa.func.max(table.c.day)).where(
        table.c.dimension == "all", table.c.kind != EventKind.JUDGEMENT.value, table.c.number > 0
    )
    found: date | None = connection.execute(query).scalar()
    return found


def period_of(request: Request, latest: date | None) -> Period:
    """Return the period that an address asks for, ending today, or where the events end if that is earlier."""
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in map(str, LENGTHS) else DEFAULT
    today = datetime.now(CHINA_STANDARD_TIME).date()
    last = min(today, latest) if latest else today
    return Period(last - timedelta(days=days - 1), last)
