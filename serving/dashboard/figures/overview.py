"""How the platform does: all from counts that are kept with the events, but for what needs distinct records."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa

from data.store.aggregates import ALL
from data.store.dashboard_tables import achievement_progress, daily_counts, demand_progress
from data.store.tables import achievements, demands, events
from matcher.collection.filters import OPEN_STATUSES
from serving.dashboard.figures.periods import Period
from serving.dashboard.wording import FUNNEL

WEEKLY = 60  # days above which a chart shows weeks


def totals(connection: sa.Connection, period: Period, dimension: str = ALL, value: str = "") -> dict[str, int]:
    """Return how many events of each kind a period has, seen from one side."""
    table = daily_counts
    query = (
        sa.select(table.c.kind, sa.func.sum(table.c.number))
        .where(table.c.dimension == dimension, table.c.value == value, table.c.day.between(period.first, period.last))
        .group_by(table.c.kind)
    )
    return {kind: int(number) for kind, number in connection.execute(query)}


def rate(part: int | None, whole: int | None) -> float | None:
    """Return a share, None where there is nothing to take it of."""
    return part / whole if part is not None and whole else None


@dataclass(frozen=True)
class Trend:
    """Events of each kind by day or by week; labels are the (first) days."""

    days: list[date]
    counts: dict[str, list[int]]
    weekly: bool


def trend(connection: sa.Connection, period: Period) -> Trend:
    """Return the events of a period over time: by day, or in steps of seven days if it is long."""
    weekly = period.days > WEEKLY
    step = 7 if weekly else 1
    days = [period.first + timedelta(days=shift) for shift in range(0, period.days, step)]
    counts = {kind: [0] * len(days) for kind in FUNNEL}
    table = daily_counts
    query = sa.select(table.c.day, table.c.kind, table.c.number).where(
        table.c.dimension == ALL, table.c.day.between(period.first, period.last), table.c.kind.in_(FUNNEL)
    )
    for day, kind, number in connection.execute(query):
        counts[kind][(day - period.first).days // step] += number
    return Trend(days, counts, weekly)


def by_side(connection: sa.Connection, period: Period, dimension: str) -> list[dict[str, Any]]:
    """Return the events of a period by the values of one side, beside those of the period before."""
    table = daily_counts
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for prefix, days in (("", period), ("before_", period.before)):
        query = (
            sa.select(table.c.value, table.c.kind, sa.func.sum(table.c.number))
            .where(table.c.dimension == dimension, table.c.day.between(days.first, days.last))
            .group_by(table.c.value, table.c.kind)
        )
        for value, kind, number in connection.execute(query):
            found[value][prefix + kind] += int(number)
    return [
        {
            "value": value,
            **{kind: counts.get(kind, 0) for kind in FUNNEL},
            "response_rate": rate(counts.get("contact", 0), counts.get("impression", 0)),
            "success_rate": rate(counts.get("deal", 0), counts.get("contact", 0)),
            "before_success_rate": rate(counts.get("before_deal", 0), counts.get("before_contact", 0)),
        }
        for value, counts in found.items()
        if any(counts.get(prefix + kind) for kind in FUNNEL for prefix in ("", "before_"))
    ]


def response_days(connection: sa.Connection, period: Period) -> float | None:
    """Return the median time in days from a demand's first recommendation to its first response, of responses in a period."""
    table, (first, end) = demand_progress, period.moments
    query = sa.select(table.c.first_shown, table.c.first_response).where(
        table.c.first_response >= first, table.c.first_response < end, table.c.first_shown <= table.c.first_response
    )
    found = [(answered - shown).total_seconds() / 86_400 for shown, answered in connection.execute(query)]
    return median(found) if found else None


def unanswered(connection: sa.Connection, period: Period) -> int:
    """Return how many demands that are open now had been shown but not answered by the end of a period."""
    table, (_, end) = demand_progress, period.moments
    query = (
        sa.select(sa.func.count())
        .select_from(table.join(demands, demands.c.id == table.c.demand_id))
        .where(
            table.c.first_shown < end,
            sa.or_(table.c.first_response.is_(None), table.c.first_response >= end),
            demands.c.status.in_(OPEN_STATUSES),
            ~demands.c.deleted,
        )
    )
    return int(connection.execute(query).scalar_one())


def cohort(connection: sa.Connection, period: Period) -> dict[str, int]:
    """Return of the demands first shown in a period how many there are, and how many got as far as each step since."""
    table, (first, end) = demand_progress, period.moments
    inside = sa.select(table.c.demand_id).where(table.c.first_shown >= first, table.c.first_shown < end)
    whole = connection.execute(sa.select(sa.func.count()).select_from(inside.subquery())).scalar_one()
    query = (
        sa.select(events.c.kind, sa.func.count(events.c.demand_id.distinct()))
        .where(events.c.kind.in_(FUNNEL[1:]), events.c.demand_id.in_(inside))
        .group_by(events.c.kind)
    )
    found = {kind: int(number) for kind, number in connection.execute(query)}
    return {FUNNEL[0]: int(whole)} | {kind: found.get(kind, 0) for kind in FUNNEL[1:]}


@dataclass(frozen=True)
class Coverage:
    """How many of the open achievements, and of their holders, were recommended at least once in a period."""

    achievements: int
    open_achievements: int
    holders: int
    open_holders: int


def coverage(connection: sa.Connection, period: Period, *, current: bool) -> Coverage:
    """Return the coverage of a period, over the achievements that are open now.

    Nothing may have been shown after the `current` period: then the latest moment of each achievement tells, which is kept.
    Of an earlier one the events themselves are looked through.
    """
    table, (first, end) = achievements, period.moments
    is_open = table.c.status.in_(OPEN_STATUSES) & ~table.c.deleted
    counted = (sa.func.count(), sa.func.count(sa.func.nullif(table.c.holder, "").distinct()))
    if current:
        shown = sa.select(achievement_progress.c.achievement_id).where(achievement_progress.c.last_shown >= first)
    else:
        moment = events.c.occurred_at
        shown = sa.select(events.c.achievement_id).where(events.c.kind == "impression", moment >= first, moment < end)
    whole = connection.execute(sa.select(*counted).where(is_open)).one()
    part = connection.execute(sa.select(*counted).where(is_open, table.c.id.in_(shown))).one()
    return Coverage(part[0], whole[0], part[1], whole[1])
