"""Lists of records: what the numbers of all other pages lead to."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from data.dashboard_tables import achievement_progress, demand_progress
from data.records import CHINA_STANDARD_TIME, DemandStatus, EventKind
from data.tables import achievements, demands, events
from matcher.filters import OPEN_STATUSES
from serving.dashboard import wording
from serving.dashboard.exports import FORMATS, as_csv, as_xlsx
from serving.dashboard.figures.gaps import ids_behind
from serving.dashboard.figures.health import FIELDS, SOON, STALE, is_missing
from serving.dashboard.page import Page, at_length, operator_of, services_of
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, Row, SelectedRows, Table, TableSpec, show

CHINA = timedelta(hours=8)
NARROW = ("kind", "demand", "achievement", "from", "to")
STATES = {
    "open": "在架、仍可对接",
    "unanswered": "已推荐、无人响应",
    "unshown": "从未被推荐",
    "answered": "已有响应",
    "dealt": "已成交",
    "expired": "截止日期已过但仍开放",
    "expiring": "三十天内截止",
    "stale": "两年未更新",
}


def demand_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its demand."""
    return "/browse/demand", {"id": row.get("demand_id") or row.get("id")}


def achievement_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its achievement."""
    return "/browse/achievement", {"id": row.get("achievement_id") or row.get("id")}


def pair_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a row to its pair."""
    return "/browse/pair", {"demand": row["demand_id"], "achievement": row["achievement_id"]}


def title_of(table: sa.Table, engine: sa.Engine) -> sa.ColumnElement[Any]:
    """Return the expression of a record's title, which the store keeps in its JSON."""
    if engine.dialect.name == "postgresql":
        # PostgreSQL refuses to unescape NUL: it goes, but not where its backslash is itself escaped.
        record = sa.func.replace(sa.func.replace(table.c.record, r"\\", "\x01"), r"\u0000", "")
        record = sa.func.replace(record, "\x01", r"\\")
        title: sa.ColumnElement[Any] = sa.cast(record, sa.JSON)["title"].as_string()
    else:
        title = sa.func.json_extract(table.c.record, "$.title")
    return title


def conditions(request: Request, table: sa.Table, progress: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return what the address asks of the records of one side: state, field, region, ids."""
    asked = request.query_params
    found: list[sa.ColumnElement[bool]] = [~table.c.deleted]
    is_open = table.c.status.in_(OPEN_STATUSES)
    today = datetime.now(CHINA_STANDARD_TIME).date()
    answered = progress.c.responses > 0
    deadline = table.c.get("deadline")
    state = asked.get("state", "")
    rules: dict[str, list[sa.ColumnElement[bool]]] = {
        "open": [is_open],
        "unanswered": [is_open, progress.c.impressions > 0, ~answered],
        "unshown": [is_open, sa.func.coalesce(progress.c.impressions, 0) == 0],
        "answered": [answered],
        "dealt": [progress.c.first_deal.is_not(None)],
        "stale": [is_open, sa.func.coalesce(table.c.updated_at, table.c.published_at) < today - STALE],
    }
    if deadline is not None:
        rules["expired"] = [is_open, deadline < today]
        rules["expiring"] = [is_open, deadline >= today, deadline <= today + SOON]
    found += rules.get(state, [])
    if "field" in asked:
        found.append(table.c.field == asked["field"])
    if asked.get("region", "").isdecimal():
        found.append(table.c.region.startswith(asked["region"]))
    if asked.get("missing") in FIELDS[table.name]:
        found.append(is_missing(table.c[asked["missing"]]))
    if asked.get("status"):
        found.append(table.c.status == asked["status"])
    return found


async def _behind(request: Request, records: str, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Return the condition for the records that hold a term or stand in a chain stage, if the address names one."""
    term, stage = request.query_params.get("term", ""), request.query_params.get("stage", "")
    if not term and not stage:
        return []
    services = services_of(request)
    graph = services.live().engine.model.graph
    if graph is None:
        raise HTTPException(404, "此模型包没有知识图谱。")
    work = partial(ids_behind, graph, records, term or stage, stage=not term)
    return [table.c.id.in_(await services.engine_threads.run(work))]


async def demands_table(request: Request) -> Table:
    """Return the table of demands that the address asks for."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    table, progress = demands, demand_progress
    query = (
        sa.select(
            table.c.id,
            title_of(table, engine).label("title"),
            table.c.enterprise,
            table.c.field,
            table.c.region,
            table.c.status,
            table.c.budget_max,
            table.c.deadline,
            sa.func.coalesce(progress.c.impressions, 0).label("impressions"),
            sa.func.coalesce(progress.c.responses, 0).label("responses"),
            progress.c.first_shown,
            progress.c.first_response,
        )
        .select_from(table.outerjoin(progress, progress.c.demand_id == table.c.id))
        .where(*conditions(request, table, progress), *await _behind(request, "demands", table))
    )
    return Table(
        "demands",
        "需求",
        (
            Column("id", "编号", link=demand_link),
            Column("title", "需求名称", "title", link=demand_link, sortable=False),
            Column("enterprise", "企业"),
            Column("field", "技术领域"),
            Column("region", "地区", "region"),
            Column("status", "状态"),
            Column("budget_max", "预算上限（万元）", "number"),
            Column("deadline", "截止日期", "day"),
            Column("impressions", "展示次数", "number", "推荐展示事件的次数，同一成果展示多次计多次。"),
            Column("responses", "响应次数", "number", "联系、会面、洽谈、成交事件的次数。"),
            Column("first_shown", "首次推荐", "day"),
            Column("first_response", "首次响应", "day"),
        ),
        SelectedRows(engine, query, table.c.id),
        find=("id", "title", "enterprise"),
        choices={"status": [(status.value, status.value) for status in DemandStatus]},
        sort="id",
        descending=False,
        size=50,
    )


async def achievements_table(request: Request) -> Table:
    """Return the table of achievements that the address asks for."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    table, progress = achievements, achievement_progress
    query = (
        sa.select(
            table.c.id,
            title_of(table, engine).label("title"),
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
        .where(*conditions(request, table, progress))
    )
    query = query.where(*await _behind(request, "achievements", table))
    if request.query_params.get("holder"):
        query = query.where(table.c.holder == request.query_params["holder"])
    return Table(
        "achievements",
        "成果",
        (
            Column("id", "编号", link=achievement_link),
            Column("title", "成果名称", "title", link=achievement_link, sortable=False),
            Column("holder", "完成单位"),
            Column("field", "技术领域"),
            Column("region", "地区", "region"),
            Column("status", "状态"),
            Column("trl", "成熟度", "number", "技术成熟度 1–9 级（GB/T 22900-2022）。"),
            Column("impressions", "展示次数", "number", "推荐展示事件的次数。"),
            Column("responses", "响应次数", "number", "联系、会面、洽谈、成交事件的次数。"),
            Column("last_shown", "最近展示", "day"),
        ),
        SelectedRows(engine, query, table.c.id),
        find=("id", "title", "holder"),
        sort="id",
        descending=False,
        size=50,
    )


async def events_table(request: Request) -> Table:
    """Return the table of events that the address asks for: by kind, days, demand's field or province, pair."""
    engine = await services_of(request).in_store(lambda store: store.engine)
    asked, table = request.query_params, events
    query = sa.select(table.c.event_id, table.c.kind, table.c.occurred_at, table.c.demand_id, table.c.achievement_id)
    for name, column in (
        ("kind", table.c.kind),
        ("demand", table.c.demand_id),
        ("achievement", table.c.achievement_id),
    ):
        if asked.get(name):
            query = query.where(column == asked[name])
    if not asked.get("kind") and (asked.get("from") or asked.get("to")):
        query = query.where(table.c.kind.in_([kind.value for kind in EventKind]))  # the index begins with the kind
    for name, days in (("from", 0), ("to", 1)):
        moment = _day(asked.get(name, ""))
        if moment is not None:
            edge = datetime(moment.year, moment.month, moment.day) + timedelta(days=days) - CHINA
            query = query.where(table.c.occurred_at >= edge if name == "from" else table.c.occurred_at < edge)
    if "field" in asked or asked.get("region"):
        query = query.outerjoin(demands, demands.c.id == table.c.demand_id)
        if "field" in asked:
            query = query.where(sa.func.coalesce(demands.c.field, "") == asked["field"])
        if asked.get("region"):
            query = query.where(demands.c.region.startswith(asked["region"]))
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
        SelectedRows(engine, query, table.c.event_id),
        choices={} if asked.get("kind") else {"kind": list(wording.KIND_NAMES.items())},
        find=("demand_id", "achievement_id"),
        # All events in the order of time would have to be sorted first: a list that nothing limits is in that of the ids.
        sort="occurred_at" if any(asked.get(name) for name in NARROW) else "event_id",
        size=50,
    )


SPECS = {
    "demands": TableSpec("demands", demands_table),
    "achievements": TableSpec("achievements", achievements_table),
    "events": TableSpec("events", events_table),
}


async def records(request: Request, kind: str) -> Response:
    """Show one of the lists."""
    shown = await show(request, await SPECS[kind].build(request))
    limits = {
        name: value
        for name, value in request.query_params.items()
        if not name.startswith(f"{kind}_")
        and name in ("state", "field", "region", "kind", "from", "to", "holder", "term", "stage", "missing")
    }
    return render(request, "records.html", title=shown.table.title, shown=shown, limits=limits, states=STATES)


async def table_alone(request: Request) -> Response:
    """Return a table without its page: for what sorts and pages without loading all anew."""
    table = await _asked_table(request)
    return render(request, "table_alone.html", shown=await show(request, table))


async def export(request: Request) -> Response:
    """Return a table as a file, sorted and filtered as it is seen."""
    table = await _asked_table(request)
    kind = request.query_params.get("format", "csv")
    if kind not in FORMATS:
        raise HTTPException(400, "导出格式只有 csv 和 xlsx。")
    view = table.view(request.query_params)
    headers = {"Content-Disposition": f'attachment; filename="{table.name}.{kind}"'}
    if kind == "csv":
        return StreamingResponse(as_csv(table, view), media_type=FORMATS[kind], headers=headers)
    body = await at_length(request, lambda _: as_xlsx(table, view))
    return Response(body, media_type=FORMATS[kind], headers=headers)


async def _asked_table(request: Request) -> Table:
    from serving.dashboard.pages import ALL_TABLES

    spec = ALL_TABLES.get(request.path_params["name"])
    if spec is None:
        raise HTTPException(404)
    if not operator_of(request).role.covers(spec.needs):
        raise HTTPException(403, f"此表需要“{spec.needs.value}”角色。")
    return await spec.build(request)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


PAGES = (
    *(Page(f"/records/{kind}", partial(records, kind=kind)) for kind in SPECS),
    Page("/tables/{name}", table_alone),
    Page("/tables/{name}/export", export),
)
TABLES = tuple(SPECS.values())
