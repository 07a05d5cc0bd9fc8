"""What day it is, and which moments an event can have: no empty date of some program's calendar, none still to come."""

from datetime import UTC, date, datetime, timedelta

from data.dates import CHINA_STANDARD_TIME
from data.records import OutcomeEvent

# Programs write "no date" as the edge of their calendar: .NET and Go 0001-01-01, Excel 1900-01-01, Unix 1970-01-01.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# How far the clock of whoever reports an event may be ahead of ours.
SKEW = timedelta(days=1)


def china_today() -> date:
    """Return the day that it is in China: the one by which deadlines there pass."""
    return datetime.now(CHINA_STANDARD_TIME).date()


def impossible_moment(event: OutcomeEvent, now: datetime) -> str | None:
    """Return why an event cannot have happened when it says, in Chinese and naming the value; None if it can."""
    moment = event.occurred_at
    if moment is None:
        return None
    if moment < EARLIEST:
        return f"“{moment.isoformat()}”是空日期，不是实际发生的时间；请填写事件发生的时间"
    if moment > now + SKEW:
        return f"“{moment.isoformat()}”晚于现在（{now.isoformat(timespec='seconds')}）一天以上；请检查发送方的时钟"
    return None
