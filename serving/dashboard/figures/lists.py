"""Which records and events an address asks for: the conditions behind every list that a number leads to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from data.dates import CHINA_STANDARD_TIME
from data.records import EventKind
from data.store.aggregates import ALL, FIELD, INDUSTRY, REGION, RESPONSES, VERSION
from data.store.dashboard_tables import daily_counts
from data.store.database import translated_errors
from data.store.tables import demands, events
from matcher.collection.filters import OPEN_STATUSES
from serving.dashboard.figures.health import FIELDS, SOON, STALE, is_missing

CHINA = timedelta(hours=8)
SORTED_DAYS = timedelta(days=31)  # of all kinds of events
RESPONSE = "response"  # all kinds of event that answer a recommendation
UNSTATED = "none"  # the value in an address for what a record does not state
STATES = {
    "open": "在架、仍可对接",
    "unanswered": "已推荐、无人响应",
    "unshown": "从未被推荐",
    "shown": "在架、这段时间被推荐过",
    "answered": "已有响应",
    "responded": "首次响应在这段时间内",
    "dealt": "已成交",
    "cohort": "首次推荐在这段时间内",
    "expired": "截止日期已过但仍开放",
    "expiring": "三十天内截止",
    "stale": "两年未更新",
}
# What an address may narrow a list by, and how it is called.
LIMITS = {
    "state": "范围",
    "kind": "事件",
    "field": "领域",
    "industry": "行业",
    "region": "地区",
    "version": "模型版本",
    "from": "自",
    "to": "至",
    "holder": "单位",
    "term": "术语",
    "stage": "产业链环节",
    "missing": "缺失字段",
    "sentence": "含有套话",
    "cluster": "重复记录",
    "demand": "需求",
    "achievement": "成果",
}


def day_of(text: str) -> date | None:
    """Return a day from its ISO form, None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def edges(asked: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """Return the first moment that `from` names and the first one after `to`, in UTC without offset; None where unsaid."""
    found: list[datetime | None] = []
    for name, days in (("from", 0), ("to", 1)):
        day = day_of(asked.get(name, ""))
        moment = datetime(day.year, day.month, day.day) + timedelta(days=days) - CHINA if day else None
        found.append(moment)
    return found[0], found[1]


def among(engine: sa.Engine, column: sa.ColumnElement[Any], ids: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of `ids`, however many: they travel as one value."""
    text = orjson.dumps(list(ids)).decode()
    if engine.dialect.name == "postgresql":
        rows = sa.func.json_array_elements_text(sa.cast(sa.literal(text, sa.Text), sa.JSON)).column_valued("value")
        return column.in_(sa.select(rows))
    return column.in_(sa.select(sa.func.json_each(text).table_valued("value").c.value))


def needs_progress(asked: Mapping[str, str]) -> bool:
    """Tell whether the conditions look at how far a record got."""
    return asked.get("state", "") in ("unanswered", "unshown", "shown", "answered", "responded", "dealt", "cohort")


def record_conditions(asked: Mapping[str, str], table: sa.Table, progress: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return what an address asks of the records of one side: state, field, region, status, what is missing."""
    found: list[sa.ColumnElement[bool]] = [~table.c.deleted]
    is_open = table.c.status.in_(OPEN_STATUSES)
    today = datetime.now(CHINA_STANDARD_TIME).date()
    answered = progress.c.responses > 0
    deadline, shown, response = (
        table.c.get("deadline"),
        progress.c.get("last_shown"),
        progress.c.get("first_response"),
    )
    first, end = edges(asked)
    rules: dict[str, list[sa.ColumnElement[bool]]] = {
        "open": [is_open],
        "unanswered": [is_open, progress.c.impressions > 0, ~answered],
        "unshown": [is_open, sa.func.coalesce(progress.c.impressions, 0) == 0],
        "answered": [answered],
        "dealt": [progress.c.first_deal.is_not(None)],
        "stale": [is_open, sa.func.coalesce(table.c.updated_at, table.c.published_at) < today - STALE],
    }
    if shown is not None:
        rules["shown"] = [is_open, shown >= (first or datetime.min)]
    if response is not None:
        inside = [response >= first] if first else []
        inside += [response < end] if end else []
        rules["responded"] = [response.is_not(None), progress.c.first_shown <= response, *inside]
    since = progress.c.first_shown
    rules["cohort"] = [since >= (first or datetime.min), *([since < end] if end else []), *_reached(asked, table)]
    if deadline is not None:
        rules["expired"] = [is_open, deadline < today]
        rules["expiring"] = [is_open, deadline >= today, deadline <= today + SOON]
    found += rules.get(asked.get("state", ""), [])
    if "field" in asked:
        found.append(table.c.field == _stated(asked["field"]))
    found += _region(asked, table.c.region)
    if asked.get("missing") in FIELDS[table.name]:
        found.append(is_missing(table.c[asked["missing"]]))
    if asked.get("status"):
        found.append(table.c.status == asked["status"])
    if asked.get("holder") and "holder" in table.c:
        found.append(table.c.holder == asked["holder"])
    return found


def _reached(asked: Mapping[str, str], table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return the condition that a demand has an event of the kind that an address names."""
    if not asked.get("kind") or table.name != "demands":
        return []
    return [table.c.id.in_(sa.select(events.c.demand_id).where(events.c.kind == asked["kind"]))]


def _stated(value: str) -> str:
    return "" if value == UNSTATED else value


def _region(asked: Mapping[str, str], column: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
    wanted = asked.get("region", "")
    if wanted == UNSTATED:
        return [sa.func.coalesce(column, "") == ""]
    return [column.startswith(wanted)] if wanted.isdecimal() else []


def version_of(engine: sa.Engine) -> sa.ColumnElement[Any]:
    """Return the expression of the version that an event names, "" where it names none."""
    if engine.dialect.name == "postgresql":
        named: sa.ColumnElement[Any] = sa.cast(events.c.event, sa.JSON)["bundle_version"].as_string()
    else:
        named = sa.func.json_extract(events.c.event, "$.bundle_version")
    return sa.func.coalesce(named, "")


def event_query(engine: sa.Engine, asked: Mapping[str, str]) -> sa.Select[Any]:
    """Return the events that an address asks for: kind, days, pair, demand's field, industry or province, version."""
    table = events
    query = sa.select(table.c.event_id, table.c.kind, table.c.occurred_at, table.c.demand_id, table.c.achievement_id)
    kind = asked.get("kind", "")
    if kind == RESPONSE:
        query = query.where(table.c.kind.in_(sorted(one.value for one in RESPONSES)))
    elif kind:
        query = query.where(table.c.kind == kind)
    elif asked.get("from") or asked.get("to"):
        query = query.where(table.c.kind.in_([one.value for one in EventKind]))  # the index begins with the kind
    for name, column in (("demand", table.c.demand_id), ("achievement", table.c.achievement_id)):
        if asked.get(name):
            query = query.where(column == asked[name])
    first, end = edges(asked)
    if first is not None:
        query = query.where(table.c.occurred_at >= first)
    if end is not None:
        query = query.where(table.c.occurred_at < end)
    if "field" in asked or "industry" in asked or asked.get("region"):
        query = query.outerjoin(demands, demands.c.id == table.c.demand_id)
        for name in ("field", "industry"):
            if name in asked:
                query = query.where(sa.func.coalesce(demands.c[name], "") == _stated(asked[name]))
        query = query.where(*_region(asked, demands.c.region))
    if "version" in asked:
        version = _stated(asked["version"])
        query = query.where(version_of(engine) == version)
        if first is not None or end is not None:  # undated events are asked for too otherwise
            query = query.where(*_days_of_version(engine, version))
    return query


def _days_of_version(engine: sa.Engine, version: str) -> list[sa.ColumnElement[bool]]:
    """Return the days in which a version has events: it is seen for some time only."""
    kept, seen = daily_counts, events.c.occurred_at
    query = sa.select(sa.func.min(kept.c.day), sa.func.max(kept.c.day)).where(
        kept.c.dimension == VERSION, kept.c.value == version, kept.c.number > 0
    )
    with translated_errors(engine.url), engine.connect() as connection:
        first, last = connection.execute(query).one()
    if first is None:
        return []
    edge_first, edge_last = (datetime(day.year, day.month, day.day) - CHINA for day in (first, last))
    return [seen >= edge_first, seen < edge_last + timedelta(days=1)]


def kept_count(asked: Mapping[str, str]) -> Callable[[sa.Connection], int] | None:
    """Return how to count the events that an address asks for from the counts that are kept, None where those do not tell.

    They tell of days, a kind, and one side at a time.
    """
    first, last = (day_of(asked.get(name, "")) for name in ("from", "to"))
    sides = [name for name in (FIELD, INDUSTRY, REGION, VERSION) if name in asked]
    region = asked.get("region", "")
    if (first is None and last is None) or len(sides) > 1 or asked.get("demand") or asked.get("achievement"):
        return None
    if sides == [REGION] and not (region == UNSTATED or (region.isdecimal() and len(region) == 2)):
        return None
    kept, kind = daily_counts, asked.get("kind", "")
    dimension = sides[0] if sides else ALL
    value = _stated(asked[sides[0]]) if sides else ""
    query = sa.select(sa.func.coalesce(sa.func.sum(kept.c.number), 0)).where(
        kept.c.dimension == dimension, kept.c.value == value
    )
    if kind:
        kinds = sorted(one.value for one in RESPONSES) if kind == RESPONSE else [kind]
        query = query.where(kept.c.kind.in_(kinds))
    if first is not None:
        query = query.where(kept.c.day >= first)
    if last is not None:
        query = query.where(kept.c.day <= last)
    return lambda connection: int(connection.execute(query).scalar_one())


def is_narrow(asked: Mapping[str, str]) -> bool:
    """Tell whether a list of events is short enough to be put into the order of time, or indexed so that it comes in it."""
    if any(asked.get(name) for name in ("kind", "demand", "achievement")):
        return True
    first, last = (day_of(asked.get(name, "")) for name in ("from", "to"))
    return first is not None and last is not None and last - first <= SORTED_DAYS


def limits_of(asked: Mapping[str, str], say: Callable[[str, str], str]) -> list[tuple[str, str]]:
    """Return what a list is narrowed by: what it is called and how the value is said."""
    return [(label, say(name, asked[name])) for name, label in LIMITS.items() if name in asked]
