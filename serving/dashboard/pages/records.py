"""Lists of records: what the numbers of all other pages lead to."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.records import DemandStatus
from data.store.dashboard_tables import achievement_progress, demand_progress
from data.store.tables import achievements, demands, events
from knowledge_graph.taxonomy.industries import load_industries
from matcher.collection.filters import OPEN_STATUSES
from serving.dashboard import wording
from serving.dashboard.figures.gaps import ids_behind, ids_of_industry
from serving.dashboard.figures.health import FIELDS, clusters, ids_with_sentence
from serving.dashboard.figures.lists import (
    RESPONSE,
    STATES,
    UNSTATED,
    among,
    edges,
    event_query,
    is_narrow,
    kept_count,
    limits_of,
    needs_progress,
    record_conditions,
)
from serving.dashboard.page import Page, at_length
from serving.dashboard.rendering import region, render
from serving.dashboard.tables import Column, Row, SelectedRows, Table, TableSpec, show
from serving.runtime.services import services_of

SHOWN = "推荐展示事件的次数，同一配对展示多次计多次。"
ANSWERED = "联系、会面、洽谈、成交事件的次数。"
ANY_RESPONSE = "响应（联系、会面、洽谈、成交）"
SIDE = "achievement"


def demand_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its demand."""
    return "/browse/demand", {"id": row.get("demand_id") or row.get("id")}


def achievement_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its achievement."""
    return "/browse/achievement", {"id": row.get("achievement_id") or row.get("id")}


def holder_link(row: Row) -> tuple[str, dict[str, Any]] | None:
    """Lead from an achievement to all of its holder's."""
    return ("/records/achievements", {"holder": row["holder"]}) if row["holder"] else None


def pair_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its pair."""
    return "/browse/pair", {"demand": row["demand_id"], "achievement": row["achievement_id"]}


def version_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its version."""
    return "/models/version", {"version": row["version"]}


def events_link(row: Row, side: str, kind: str) -> tuple[str, dict[str, Any]]:
    """Lead from a record of `side` to its events of a kind."""
    return "/records/events", {side: row["id"], "kind": kind}


async def _behind(request: Request, records: str, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return the condition for the records that a number of a bundle or of a sample counts, if the address names one."""
    asked, services = request.query_params, services_of(request)
    engine = await services.in_store(lambda store: store.engine)
    if asked.get("sentence"):
        work = partial(ids_with_sentence, side=records, sentence=asked["sentence"])
        return [among(engine, table.c.id, await at_length(request, work))]
    if asked.get("cluster"):
        found = await at_length(request, lambda _: clusters(services.live().engine))
        ids = next((one.ids for one in found if one.digest == asked["cluster"]), ())
        return [among(engine, table.c.id, ids)]
    term, stage, industry = (asked.get(name, "") for name in ("term", "stage", "industry"))
    if not term and not stage:
        if not industry:
            return []
        named = partial(ids_of_industry, services.live().engine, records, industry)
        return [among(engine, table.c.id, await services.engine_threads.run(named))]
    graph = services.live().engine.model.graph
    if graph is None:
        raise HTTPException(404, "此模型包没有知识图谱。")
    held = partial(ids_behind, graph, records, term or stage, stage=not term, industry=industry)
    return [among(engine, table.c.id, await services.engine_threads.run(held))]


async def demands_table(request: Request) -> Table:
    """Return the table of demands that the address asks for."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    wanted = [
        *record_conditions(request.query_params, demands, demand_progress),
        *await _behind(request, demands.name, demands),
    ]
    keys = _keys(request, demands, wanted)
    choices = {"status": [(status.value, status.value) for status in DemandStatus]}
    return replace(listed_demands("demands", engine, wanted, keys), choices=choices, descending=False)


def listed_demands(
    name: str, engine: sa.Engine, wanted: Sequence[sa.ColumnElement[bool]], keys: sa.Select[Any] | None = None
) -> Table:
    """Return the table of the demands that meet all conditions, with how far each got."""
    table, progress = demands, demand_progress
    query = (
        sa.select(
            table.c.id,
            table.c.title,
            table.c.enterprise,
            table.c.field,
            table.c.region,
            table.c.status,
            table.c.budget_max,
            table.c.deadline,
            table.c.published_at,
            sa.func.coalesce(progress.c.impressions, 0).label("impressions"),
            sa.func.coalesce(progress.c.responses, 0).label("responses"),
            progress.c.first_shown,
            progress.c.first_response,
        )
        .select_from(table.outerjoin(progress, progress.c.demand_id == table.c.id))
        .where(*wanted)
    )
    events_of = partial(events_link, side="demand")
    return Table(
        name,
        "需求",
        (
            Column("id", "编号", link=demand_link),
            Column("title", "需求名称", "title", link=demand_link),
            Column("enterprise", "企业"),
            Column("field", "技术领域"),
            Column("region", "地区", "region"),
            Column("status", "状态"),
            Column("budget_max", "预算上限（万元）", "number", "需求写明的预算上限；没写的为 –。", own=True),
            Column("deadline", "截止日期", "day"),
            Column("published_at", "发布日期", "day"),
            Column("impressions", "展示次数", "number", SHOWN, link=partial(events_of, kind="impression")),
            Column("responses", "响应次数", "number", ANSWERED, link=partial(events_of, kind=RESPONSE)),
            Column("first_shown", "首次推荐", "day"),
            Column("first_response", "首次响应", "day"),
        ),
        SelectedRows(engine, query, table.c.id, keys=keys),
        find=("id", "title", "enterprise"),
        sort="id",
        size=50,
    )


async def achievements_table(request: Request) -> Table:
    """Return the table of achievements that the address asks for."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    table, progress = achievements, achievement_progress
    wanted = [
        *record_conditions(request.query_params, table, progress),
        *await _behind(request, table.name, table),
    ]
    query = (
        sa.select(
            table.c.id,
            table.c.title,
            table.c.holder,
            table.c.field,
            table.c.region,
            table.c.status,
            table.c.trl,
            sa.func.coalesce(progress.c.impressions, 0).label("impressions"),
            sa.func.coalesce(progress.c.responses, 0).label("responses"),
            progress.c.last_shown,
        )
        .select_from(table.outerjoin(progress, progress.c.achievement_id == table.c.id))
        .where(*wanted)
    )
    return Table(
        "achievements",
        "成果",
        (
            Column("id", "编号", link=achievement_link),
            Column("title", "成果名称", "title", link=achievement_link),
            Column("holder", "完成单位", link=holder_link),
            Column("field", "技术领域"),
            Column("region", "地区", "region"),
            Column("status", "状态"),
            Column("trl", "成熟度", "number", "技术成熟度 1–9 级（GB/T 22900-2022）。", own=True),
            Column("impressions", "展示次数", "number", SHOWN, link=partial(events_link, side=SIDE, kind="impression")),
            Column("responses", "响应次数", "number", ANSWERED, link=partial(events_link, side=SIDE, kind=RESPONSE)),
            Column("last_shown", "最近展示", "day"),
        ),
        SelectedRows(engine, query, table.c.id, keys=_keys(request, table, wanted)),
        find=("id", "title", "holder"),
        sort="id",
        descending=False,
        size=50,
    )


def _keys(request: Request, table: sa.Table, wanted: list[sa.ColumnElement[bool]]) -> sa.Select[Any] | None:
    """Return the ids of a list without the progress beside them, None where that decides which they are."""
    return None if needs_progress(request.query_params) else sa.select(table.c.id).where(*wanted)


async def holders_table(request: Request) -> Table:
    """Return the holders of open achievements: how many each has, how many of them were shown in the days asked for."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    table, progress = achievements, achievement_progress
    first, _ = edges(request.query_params)
    moment = progress.c.last_shown
    inside = moment >= first if first is not None else moment.is_not(None)
    shown = sa.func.sum(sa.case((inside, 1), else_=0))
    never = sa.func.sum(sa.case((sa.func.coalesce(progress.c.impressions, 0) == 0, 1), else_=0))
    query = (
        sa.select(
            table.c.holder.label("holder"),
            sa.func.count().label("open"),
            shown.label("shown"),
            never.label("never"),
        )
        .select_from(table.outerjoin(progress, progress.c.achievement_id == table.c.id))
        .where(table.c.status.in_(OPEN_STATUSES), ~table.c.deleted, table.c.holder != "")
        .group_by(table.c.holder)
    )
    if request.query_params.get("state") == "shown":
        query = query.having(shown > 0)
    days = {name: request.query_params[name] for name in ("from", "to") if request.query_params.get(name)}

    def link(row: Row, state: str) -> tuple[str, dict[str, Any]]:
        return "/records/achievements", {"state": state, "holder": row["holder"], **(days if state == "shown" else {})}

    return Table(
        "holders",
        "完成单位",
        (
            Column("holder", "完成单位", link=partial(link, state="open")),
            Column("open", "在架成果", "number", "目前在架的成果项数。", link=partial(link, state="open")),
            Column(
                "shown", "被推荐过", "number", "这段时间内至少被推荐一次的项数。", link=partial(link, state="shown")
            ),
            Column("never", "从未推荐", "number", "一次推荐展示都没有的项数。", link=partial(link, state="unshown")),
        ),
        SelectedRows(engine, query, table.c.holder),
        find=("holder",),
        sort="open",
        size=50,
    )


async def events_table(request: Request) -> Table:
    """Return the table of events that the address asks for: by kind, days, demand's field or province, pair."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    asked, table = request.query_params, events
    query = event_query(engine, asked)
    return Table(
        "events",
        "事件",
        (
            Column("occurred_at", "时间", "moment"),
            Column("kind", "事件", "say"),
            Column("demand_id", "需求", link=demand_link),
            Column("achievement_id", "成果", link=achievement_link),
            Column("event_id", "事件编号", link=pair_link, hint="点击查看这一对的全部情况。"),
        ),
        SelectedRows(engine, query, table.c.event_id, kept_count(asked)),
        choices={} if asked.get("kind") else {"kind": list(wording.KIND_NAMES.items())},
        find=("demand_id", "achievement_id"),
        # All events in the order of time would have to be sorted first: a list that nothing limits is in that of the ids.
        sort="occurred_at" if is_narrow(asked) else "event_id",
        size=50,
    )


SPECS = {
    "demands": TableSpec("demands", demands_table),
    "achievements": TableSpec("achievements", achievements_table),
    "events": TableSpec("events", events_table),
    "holders": TableSpec("holders", holders_table),
}


async def records(request: Request, kind: str) -> Response:
    """Show one of the lists."""
    shown = await show(request, await SPECS[kind].build(request))
    limits = limits_of(request.query_params, _said)
    return render(request, "records.html", title=shown.table.title, shown=shown, limits=limits)


def _said(name: str, value: str) -> str:
    """Return how a value that narrows a list is said."""
    if value in ("", UNSTATED):
        return "（未说明）"
    sayings = {
        "state": STATES.get(value, value),
        "region": region(value),
        "industry": load_industries().name(value) or value,
        "missing": next((names[value] for names in FIELDS.values() if value in names), value),
        "kind": ANY_RESPONSE if value == RESPONSE else wording.say(value),
        "cluster": "同一组",
    }
    return sayings.get(name, value)


PAGES = (*(Page(f"/records/{kind}", partial(records, kind=kind)) for kind in SPECS),)
TABLES = tuple(SPECS.values())
