"""When news are sent: digests and quiet hours by the clock in China, retries by the Standard Webhooks specification."""

from datetime import UTC, datetime, time, timedelta

from data.dates import CHINA_STANDARD_TIME
from data.standing.types import Digest, QuietHours

MORNING = time(9)
"""When digests go out, in China."""
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""Pauses after the first failed attempt, the second, and so on, as the specification proposes."""
MOST_PAUSE = timedelta(hours=24)
SPREAD = 0.2
"""Share of a pause by which it is lengthened at random, so that receivers that come back are not met by all at once."""


def due_at(found: datetime, digest: Digest, quiet: QuietHours | None) -> datetime:
    """Return when news found at a moment may be sent, in UTC: the digest's next morning, then the end of quiet hours."""
    local = found.astimezone(CHINA_STANDARD_TIME)
    if digest is not Digest.AT_ONCE:
        local = _next_morning(local, monday=digest is Digest.WEEKLY)
    if quiet is not None and quiet.hold(local.time()):
        end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
        local = end if end > local else end + timedelta(days=1)
    return local.astimezone(UTC)


def _next_morning(local: datetime, *, monday: bool) -> datetime:
    morning = local.replace(hour=MORNING.hour, minute=0, second=0, microsecond=0)
    while morning <= local or (monday and morning.weekday()):
        morning += timedelta(days=1)
    return morning


def next_attempt(failed: int, now: datetime, random: float, retry_after: timedelta | None = None) -> datetime | None:
    """Return when a message is tried again after its `failed`-th failed attempt (from 1); None: it is given up.

    `random` in [0, 1) lengthens the pause by up to `SPREAD`; a receiver's `retry_after` counts where it is longer, up to
    a day.
    """
    if failed > len(RETRIES):
        return None
    pause = RETRIES[failed - 1] * (1 + SPREAD * random)
    if retry_after is not None:
        pause = max(pause, min(retry_after, MOST_PAUSE))
    return now + pause
