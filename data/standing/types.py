"""What a standing request is: whose text is matched, which kinds are watched, how news of matches travels."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

MOST_CHARACTERS_OF_NAME = 64


class RequestState(StrEnum):
    """Whether a standing request still watches; the values are what operators read."""

    ACTIVE = "有效"
    UNSUBSCRIBED = "已退订"
    EXPIRED = "已到期"
    GONE = "主体已失效"


class Digest(StrEnum):
    """How often news are sent: as they come, or together in the morning of a day or of a Monday (China)."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    WEEKLY = "weekly"


class SourceKind(StrEnum):
    """Where the text of a standing request comes from."""

    TEXT = "text"
    DEMAND = "demand"
    ACHIEVEMENT = "achievement"
    RECORD = "record"


@dataclass(frozen=True)
class Source:
    """The text that is matched: a saved text, or that of a stored record of `kind`, which is read again as it changes."""

    of: SourceKind
    id: str = ""
    kind: str = ""
    text: str = ""


@dataclass(frozen=True)
class QuietHours:
    """A span of the day in China in which nothing is sent; it may reach over midnight."""

    begin: time
    end: time

    def hold(self, at: time) -> bool:
        """Tell whether a time of day lies in the span."""
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


@dataclass(frozen=True)
class StandingRequest:
    """One standing request as the store keeps it.

    A record of one of `kinds` matches from a score of `least` on (deviations of the prior), if it passes `filters` and
    `conditions`. `endpoint` names the webhook that carries its notices; empty: feed and queue alone. `revision` rises with
    every change, `matched` is the revision that was matched with all records there were.
    """

    id: str
    source: Source
    kinds: tuple[str, ...]
    least: float
    created_at: datetime
    created_by: str
    filters: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    endpoint: str = ""
    digest: Digest = Digest.AT_ONCE
    quiet: QuietHours | None = None
    valid_until: date | None = None
    state: RequestState = RequestState.ACTIVE
    ended_at: datetime | None = None
    revision: int = 0
    matched: int = 0


@dataclass(frozen=True)
class Found:
    """A record that fits a standing request."""

    request_id: str
    kind: str
    record_id: str
    score: float


@dataclass(frozen=True)
class Notice:
    """The news of one match, given once; `due_at` is when a webhook may carry it."""

    number: int
    request_id: str
    kind: str
    record_id: str
    score: float
    found_at: datetime
    due_at: datetime
    message_id: str = ""
    handled_at: datetime | None = None
    handled_by: str = ""
