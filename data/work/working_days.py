"""Working days in China: as the State Council arranged them, for years not yet arranged by the statutory holidays."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from data.dates import CHINA_STANDARD_TIME

CLOSING = time(18)
"""When a working day ends, in China."""


def is_working_day(day: date) -> bool:
    """Tell whether people work on a day: no weekend or holiday, or a weekend that was made a working day."""
    return bool(_calendar().is_working_day(day))


def due_after(moment: datetime, working_days: int) -> datetime:
    """Return the end (18:00 in China) of the n-th working day after the day of a moment, in UTC."""
    day = moment.astimezone(CHINA_STANDARD_TIME).date()
    left = working_days
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return datetime.combine(day, CLOSING, CHINA_STANDARD_TIME).astimezone(UTC)


@lru_cache(maxsize=1)
def _calendar() -> Any:
    # Imported when first asked: it knows all countries and takes a second.
    from holidays import country_holidays

    return country_holidays("CN")
