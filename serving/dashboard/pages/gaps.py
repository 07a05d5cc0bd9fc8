"""供需缺口: where demand finds no supply, where supply finds no demand, and between which provinces answers flow."""

import asyncio
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from knowledge_graph.taxonomy.industries import load_industries
from knowledge_graph.taxonomy.regions import load_regions
from serving.dashboard import charts
from serving.dashboard.figures.gaps import CHAIN, INDUSTRIES, REGIONS, SIDES, TERMS, all_flows, beyond_average, gaps
from serving.dashboard.page import Page
from serving.dashboard.rendering import percent, region, render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import services_of

NAMES = {CHAIN: "产业链环节", TERMS: "技术", INDUSTRIES: "行业", REGIONS: "地区"}
LARGEST = 15  # flows that the chart shows
CHARTED = 12
HINTS = {
    "demands": "目前开放的需求条数。",
    "achievements": "目前在架的成果项数。",
    "budget": "这些需求的预算上限之和；没写预算的按 50 万元计。",
    "gap": "开放需求条数，减去按全体的供需比、这些成果通常对应的需求条数；大于 0 就是供给跟不上的条数。",
    "surplus": "在架成果项数，减去按全体的供需比、这些需求通常对应的成果项数；大于 0 就是少人问津的项数。",
}


def side_of(request: Request) -> str:
    """Return what supply and demand are counted by."""
    side = request.query_params.get("side", CHAIN)
    return side if side in SIDES else CHAIN


async def page(request: Request) -> Response:
    """Show gaps and surplus."""
    services = services_of(request)
    live = services.holder.live
    shown = None if live is None else await show(request, await gaps_table(request))
    chart = None
    if shown is not None and shown.rows:
        unit = "项" if request.query_params.get("surplus") == "1" else "条"
        rows = [
            {
                "name": row["label"],
                "value": round(row["beyond"]),
                "note": f"{row['demands']} 条需求，{row['achievements']} 项成果",
            }
            for row in shown.rows[:CHARTED]
        ]
        chart = charts.bars(rows, shown.table.title, unit)
    regions = load_regions()
    provinces = sorted((code, name) for code, name in regions.names.items() if code % 10_000 == 0)
    return render(
        request,
        "gaps.html",
        title="供需缺口",
        charted=True,
        active="gaps",
        side=side_of(request),
        names=NAMES,
        shown=shown,
        chart=chart,
        provinces=provinces,
        restricted=side_of(request) in (TERMS, CHAIN),
        no_graph=live is not None and live.engine.model.graph is None,
        surplus=request.query_params.get("surplus") == "1",
    )


async def gaps_table(request: Request) -> Table:
    """Return the table of gaps, or of surplus."""
    services, side = services_of(request), side_of(request)
    asked = request.query_params
    work = partial(gaps, services.live().engine, side, asked.get("region", ""), asked.get("industry", ""))
    found = await services.engine_threads.run(work)
    surplus = asked.get("surplus") == "1"
    rows = [
        {"name": row.name, "label": name_of(side, row.name), "demands": row.demands, "achievements": row.achievements}
        | {"budget": row.budget, "beyond": beyond}
        for row, beyond in zip(found, beyond_average(found, surplus=surplus), strict=True)
        if beyond > 0
    ]

    def link(row: Row, records: str) -> tuple[str, dict[str, Any]] | None:
        key = {TERMS: "term", CHAIN: "stage", REGIONS: "region", INDUSTRIES: "industry"}[side]
        place = asked.get("region", "") if records == "demands" else ""
        limits = {"region": place[:2]} if place.isdecimal() and side in (TERMS, CHAIN) else {}
        if records == "demands" and side in (TERMS, CHAIN):
            limits["industry"] = asked.get("industry", "")
        return f"/records/{records}", {"state": "open", key: row["name"], **limits}

    return Table(
        "gaps",
        "富余" if surplus else "缺口",
        (
            Column("label", NAMES[side]),
            Column("demands", "开放需求", "number", HINTS["demands"], link=partial(link, records="demands")),
            Column(
                "achievements", "在架成果", "number", HINTS["achievements"], link=partial(link, records="achievements")
            ),
            Column("budget", "预算合计（万元）", "number", HINTS["budget"], link=partial(link, records="demands")),
            Column(
                "beyond",
                "多出的成果（项）" if surplus else "多出的需求（条）",
                "number",
                HINTS["surplus" if surplus else "gap"],
                link=partial(link, records="achievements" if surplus else "demands"),
            ),
        ),
        MemoryRows(rows),
        find=("label",),
        sort="beyond",
        empty="没有。",
        hint="按模型包生成时的记录统计；之后写入的记录在下一次 gongxu build 后计入。",
    )


def name_of(side: str, value: str) -> str:
    """Return how a value of a side is called."""
    if side == REGIONS:
        return region(value)
    if side == INDUSTRIES:
        return load_industries().name(value) or value
    return value


async def flows_part(request: Request) -> Response:
    """Show the largest flows between provinces: they take seconds once for each bundle, and come after the page."""
    found = await asyncio.to_thread(all_flows, services_of(request).live().engine)
    largest = sorted(found, key=lambda flow: (-flow.answers, flow.demand_province, flow.achievement_province))[:LARGEST]
    rows = [
        {
            "name": f"{flow.achievement_province} → {flow.demand_province}",
            "value": flow.answers,
            "note": f"占{flow.demand_province}需求全部最相关成果的 {percent(flow.share)}",
        }
        for flow in largest
    ]
    return render(
        request,
        "flows.html",
        title="跨地区流向",
        charted=True,
        active="gaps",
        chart=charts.bars(rows, "跨地区流向", "项") if rows else None,
        shown=await show(request, await flows_table(request)),
    )


async def flows_table(request: Request) -> Table:
    """Return the numbers behind the chart, and the flows that are too small for it."""
    found = await asyncio.to_thread(all_flows, services_of(request).live().engine)
    rows = [
        {"demand": flow.demand_province, "achievement": flow.achievement_province, "answers": flow.answers}
        | {"share": flow.share}
        for flow in found
    ]
    places = load_regions().places

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/records/demands", {"state": "open", "region": f"{places.get(row['demand'], 0) // 10_000:02d}"}

    return Table(
        "flows",
        "跨省流向",
        (
            Column("demand", "需求所在省"),
            Column("achievement", "成果所在省"),
            Column(
                "answers",
                "项数",
                "number",
                "开放需求在知识图谱中最相关的十项成果里，来自该省的项数之和；点击看这些需求。",
                link=link,
            ),
            Column("share", "占比", "percent", "占该需求省份全部最相关成果的比例，本省的也计入分母。", link=link),
        ),
        MemoryRows(rows),
        find=("demand", "achievement"),
        sort="answers",
        size=25,
    )


PAGES = (Page("/gaps", page), Page("/gaps/flows", flows_part))
TABLES = (TableSpec("gaps", gaps_table), TableSpec("flows", flows_table))
