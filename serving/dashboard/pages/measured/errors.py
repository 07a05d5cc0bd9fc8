"""错误分析: the pairs on which a version was farthest off, what moves it, and whether more data would help."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from eval.online.analysis import load_analysis
from matcher.bundle import CURRENT, pointed
from serving.dashboard import charts, wording
from serving.dashboard.figures.trained import GOOD_GRADE, trained_versions
from serving.dashboard.page import Page
from serving.dashboard.pages.records import achievement_link, demand_link, pair_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Table, TableSpec, show
from serving.runtime.services import services_of

WEIGHTS = 15  # features that the chart shows
OVERRATED, MISSED = "高估", "低估"


async def _version(request: Request) -> tuple[str, list[str]]:
    """Return the version that is looked at, the one in service unless another is asked for, and all trained ones."""
    settings = services_of(request).settings
    known = [one.version for one in await asyncio.to_thread(trained_versions, settings.home)]
    asked, current = request.query_params.get("version", ""), pointed(settings.bundles, CURRENT)
    chosen = asked if asked in known else current if current in known else (known or [""])[0]
    return chosen, known


async def page(request: Request) -> Response:
    """Show the analysis of a version."""
    version, known = await _version(request)
    found = await asyncio.to_thread(load_analysis, services_of(request).settings.home, version)
    points = [{"x": point.demands, **point.model_dump()} for point in found.curve if point.value is not None]
    weights = [
        {"name": one.label, "value": round(one.weight, 3), "note": one.feature} for one in found.weights[:WEIGHTS]
    ]
    return render(
        request,
        "errors.html",
        title="错误分析",
        active="quality",
        charted=True,
        version=version,
        known=known,
        shown=await show(request, await worst_table(request)),
        curve=charts.curve(points, "学习曲线", "学过的需求条数", "NDCG@10") if points else None,
        weights=charts.bars(weights, "各特征的平均影响", "（对数几率）") if weights else None,
    )


async def worst_table(request: Request) -> Table:
    """Return the worst pairs of a version."""
    version, _ = await _version(request)
    found = await asyncio.to_thread(load_analysis, services_of(request).settings.home, version)
    rows = [
        one.model_dump()
        | {"outcome": wording.GRADE_NAMES[one.grade], "source": "专家判断" if one.judged else "事件"}
        | {"kind": MISSED if one.grade >= GOOD_GRADE else OVERRATED, "why": "；".join(one.reasons)}
        for one in found.worst
    ]
    return Table(
        "worst",
        "差得最远的配对",
        (
            Column("demand", "需求", "title", link=demand_link),
            Column("achievement", "成果", "title", link=achievement_link),
            Column("kind", "错在哪里", hint="高估：实际不好而预测偏高；低估：实际好而预测偏低。"),
            Column("probability", "预测概率", "percent", "没有学过这条需求时的预测。", link=pair_link),
            Column("outcome", "实际结果", link=pair_link),
            Column("source", "依据"),
            Column("missed", "相差", "percent", "预测概率与实际（好为 100%，不好为 0%）的距离。", link=pair_link),
            Column("why", "模型的主要理由", "title"),
        ),
        MemoryRows(rows),
        find=("demand", "achievement", "why"),
        choices={"kind": [(OVERRATED, OVERRATED), (MISSED, MISSED)]},
        sort="missed",
        empty="没有：此版本训练时留出的配对太少，或是较早的版本训练的。重新训练后就有。",
        hint="留出需求的配对中，预测概率离实际结果最远的五十对；理由后的数字是它对结果的影响。",
    )


PAGES = (Page("/quality/errors", page),)
TABLES = (TableSpec("worst", worst_table),)
