"""匹配 in three panes: demands to work on, what is recommended for one of them, and one pair with all that can be done."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.store.store import Store
from data.store.tables import demands
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.figures.matching.worklist import SORTS, VIEWS, conditions, mistakes, offered, worklist
from serving.dashboard.page import Page, operator_of
from serving.dashboard.pages.browse import list_of, pair_of
from serving.dashboard.pages.records import SPECS, demand_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, SelectedRows, Table, TableSpec, show
from serving.runtime.services import services_of

FILTERS = ("field", "region", "budget", "until")
DEFAULT_SORT = "-published_at"


async def page(request: Request) -> Response:
    """Show the demands, the list of the chosen one or else of the first, and the pair with a chosen achievement."""
    asked, services, who = request.query_params, services_of(request), operator_of(request)
    table = await worklist_table(request)
    shown = await show(request, table)
    fields, provinces = await services.in_store(offered)
    counts = await services.in_store(lambda store: store.counts())
    listed: dict[str, Any] | None = None
    pair: dict[str, Any] | None = None
    first = shown.rows[0]["id"] if shown.rows and services.holder.live is not None else ""
    if chosen := asked.get("demand") or first:
        record = await services.in_store(lambda store: store.demand(chosen))
        listed = await list_of(request, record)
        if asked.get("demand") and asked.get("achievement"):
            pair = await pair_of(request, chosen, asked["achievement"])
    today = utc_now().astimezone(CHINA_STANDARD_TIME).date()
    days = {row["id"]: (row["deadline"] - today).days for row in shown.rows if row["deadline"] is not None}
    view = asked.get("view", "open")
    return render(
        request,
        "desk.html",
        title=listed["record"].title if listed and asked.get("demand") else "匹配",
        active="browse",
        views=VIEWS,
        view=view if view in VIEWS else "open",
        sorts=SORTS,
        sorting=("-" if shown.view.descending else "") + shown.view.sort,
        mistakes=mistakes(asked),
        narrowed=sum(bool(asked.get(name)) for name in FILTERS),
        all_fields=fields,
        provinces=provinces,
        shown=shown,
        days=days,
        empty=not counts.demands,
        list=listed,
        pair=pair,
        level="pair" if pair else "demand" if asked.get("demand") else "start",
        judged=next((one.level for one in pair["reviews"] if one.reviewer == who.name), None) if pair else None,
    )


async def worklist_table(request: Request) -> Table:
    """Return the demands that the address asks for."""
    who = operator_of(request)

    def build(store: Store) -> SelectedRows:
        wanted = conditions(store, request.query_params, who.name, utc_now())
        return SelectedRows(store.engine, worklist(wanted), demands.c.id)

    return Table(
        "worklist",
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
            Column("first_shown", "首次推荐", "day"),
            Column("responses", "响应次数", "number", "联系、会面、洽谈、成交事件的次数。", own=True),
        ),
        await services_of(request).in_store(build),
        find=("id", "title", "enterprise"),
        sort=DEFAULT_SORT.removeprefix("-"),
        size=50,
    )


async def achievements(request: Request) -> Response:
    """Offer the achievements to start from."""
    shown = await show(request, await SPECS["achievements"].build(request))
    return render(request, "start_achievements.html", title="从成果开始", active="browse", shown=shown)


PAGES = (Page("/browse", page), Page("/browse/achievements", achievements))
TABLES = (TableSpec("worklist", worklist_table),)
