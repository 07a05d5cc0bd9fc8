"""经营概况: from recommendation to deal over time, what lies unanswered, how much of the supply is shown."""

from datetime import timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.store.aggregates import FIELD, INDUSTRY, REGION, VERSION
from data.store.database import translated_errors
from data.store.store import Store
from knowledge_graph.taxonomy.industries import load_industries
from serving.dashboard import charts, wording
from serving.dashboard.figures import overview as figures
from serving.dashboard.figures.lists import UNSTATED
from serving.dashboard.figures.periods import LENGTHS, Period, last_day, period_of
from serving.dashboard.figures.quality import wilson
from serving.dashboard.page import Page
from serving.dashboard.rendering import region, render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import services_of

SIDES = {FIELD: "技术领域", INDUSTRY: "行业", REGION: "地区", VERSION: "模型版本"}
UNKNOWN = "（未说明）"
COMPARED = 90  # days up to which the coverage of the period before is looked up, from the events themselves
HINTS = {
    "impression": "这段时间内“推荐展示”事件的次数；同一配对展示几次计几次。",
    "click": "“查看”事件的次数。",
    "contact": "“联系”事件的次数：需求方与成果方取得联系。",
    "meeting": "“会面”事件的次数。",
    "negotiation": "“洽谈”事件的次数。",
    "deal": "“成交”事件的次数。",
    "success": "成交次数 ÷ 联系次数，都按事件发生在这段时间内计。",
    "response": "从需求首次被推荐到首次响应（联系、会面、洽谈或成交）的天数的中位数；按首次响应落在这段时间的需求计。",
    "unanswered": "目前开放、到期末已被推荐过但还没有任何响应的需求条数。",
    "coverage": "这段时间内至少被推荐一次的在架成果数 ÷ 目前在架成果总数。",
    "holders": "这段时间内至少有一项成果被推荐的完成单位数 ÷ 目前有在架成果的完成单位总数。",
}


async def page(request: Request) -> Response:
    """Show the overview, or what to do on an empty store."""
    services = services_of(request)
    state = await services.in_store(partial(_state, request=request))
    if state["counts"] is not None:
        return render(request, "overview_empty.html", title="经营概况", active="overview", **state)
    shown = [await show(request, await side_table(request)), await show(request, await trend_table(request))]
    found: figures.Trend = state["trend"]
    labels = [day.strftime("%m-%d") for day in found.days]
    upper = {wording.KIND_NAMES[kind]: found.counts[kind] for kind in ("impression", "click")}
    lower = {wording.KIND_NAMES[kind]: found.counts[kind] for kind in ("contact", "meeting", "negotiation", "deal")}
    return render(
        request,
        "overview.html",
        title="经营概况",
        charted=True,
        active="overview",
        hints=HINTS,
        lengths=LENGTHS,
        sides=SIDES,
        side=side_of(request),
        side_shown=shown[0],
        trend_shown=shown[1],
        upper=charts.line(labels, upper, "推荐展示与查看的次数"),
        lower=charts.line(labels, lower, "联系到成交的次数"),
        **state,
    )


def _state(store: Store, request: Request) -> dict[str, Any]:
    """Return what the page shows of the store, all from counts that are kept."""
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        latest = last_day(connection)
        if latest is None:
            return {"counts": store.counts()}
        period = period_of(request, latest)
        now, before = (figures.totals(connection, days) for days in (period, period.before))
        return {
            "counts": None,
            "period": period,
            "now": now,
            "before": before,
            "cohort": _cohort(*(figures.cohort(connection, days) for days in (period, period.before))),
            "likely": wilson(min(now.get("deal", 0), now.get("contact", 0)), now.get("contact", 0)),
            "success": (
                figures.rate(now.get("deal", 0), now.get("contact")),
                figures.rate(before.get("deal", 0), before.get("contact")),
            ),
            "response": tuple(figures.response_days(connection, days) for days in (period, period.before)),
            "unanswered": tuple(figures.unanswered(connection, days) for days in (period, period.before)),
            "trend": figures.trend(connection, period),
        }


def _cohort(now: dict[str, int], before: dict[str, int]) -> list[dict[str, Any]]:
    """Return the steps with their shares of the demands that were first shown, with intervals; bars are in proportion."""
    whole, earlier = now[wording.FUNNEL[0]], before[wording.FUNNEL[0]]
    steps = []
    for kind in wording.FUNNEL:
        figure, then = wilson(now[kind], whole), wilson(before[kind], earlier)
        known = figure.value is not None and then.value is not None and kind != wording.FUNNEL[0]
        steps.append(
            {
                "kind": kind,
                "number": now[kind],
                "figure": figure,
                "points": 100 * ((figure.value or 0.0) - (then.value or 0.0)) if known else None,
                "width": 100 * now[kind] / max(whole, 1),
            }
        )
    return steps


def side_of(request: Request) -> str:
    """Return from which side the table looks."""
    side = request.query_params.get("side", FIELD)
    return side if side in SIDES else FIELD


async def _period(request: Request) -> Period:
    def work(store: Store) -> Period:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            return period_of(request, last_day(connection))

    return await services_of(request).in_store(work)


async def side_table(request: Request) -> Table:
    """Return the table of the period's events by field, industry, region or model version."""
    side, period = side_of(request), await _period(request)

    def work(store: Store) -> list[dict[str, Any]]:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            return figures.by_side(connection, period, side)

    rows = [row | {"name": name_of(side, row["value"])} for row in await services_of(request).in_store(work)]

    def link(row: Row, kind: str, days: Period = period) -> tuple[str, dict[str, Any]]:
        return "/records/events", {side: row["value"] or UNSTATED, "kind": kind, **days.address}

    return Table(
        "sides",
        f"按{SIDES[side]}",
        (
            Column("name", SIDES[side], link=partial(link, kind="")),
            *(
                Column(kind, wording.KIND_NAMES[kind], "number", HINTS[kind], link=partial(link, kind=kind))
                for kind in wording.FUNNEL
            ),
            Column("response_rate", "联系率", "percent", "联系次数 ÷ 展示次数。", link=partial(link, kind="contact")),
            Column("success_rate", "成功率", "percent", HINTS["success"], link=partial(link, kind="deal")),
            Column(
                "before_success_rate",
                "上期成功率",
                "percent",
                "前一个同样长的时间段的成功率。",
                link=partial(link, kind="deal", days=period.before),
            ),
        ),
        MemoryRows(rows),
        find=("name",),
        sort="impression",
        hint="按需求一方的属性归类；需求改了领域或地区，它的历史事件随之归到新的类别。"
        if side != VERSION
        else "作出推荐的模型包。",
    )


def name_of(side: str, value: str) -> str:
    """Return how a value of a side is called."""
    if not value:
        return UNKNOWN
    if side == REGION:
        return region(value)
    if side == INDUSTRY:
        return load_industries().name(value) or value
    return value


async def trend_table(request: Request) -> Table:
    """Return the numbers behind the charts."""
    period = await _period(request)

    def work(store: Store) -> figures.Trend:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            return figures.trend(connection, period)

    found = await services_of(request).in_store(work)
    rows = [
        {"day": day, **{kind: found.counts[kind][place] for kind in wording.FUNNEL}}
        for place, day in enumerate(found.days)
    ]
    step = 7 if found.weekly else 1

    def link(row: Row, kind: str) -> tuple[str, dict[str, Any]]:
        last = min(row["day"] + timedelta(days=step - 1), period.last)
        return "/records/events", {"kind": kind, "from": row["day"].isoformat(), "to": last.isoformat()}

    return Table(
        "trend",
        "图中的数字",
        (
            Column("day", "周（起始日）" if found.weekly else "日期", "day", link=partial(link, kind="")),
            *(
                Column(kind, wording.KIND_NAMES[kind], "number", HINTS[kind], link=partial(link, kind=kind))
                for kind in wording.FUNNEL
            ),
        ),
        MemoryRows(rows),
        find=("day",),
        sort="day",
    )


async def coverage(request: Request) -> Response:
    """Show how much of the supply was recommended: it needs distinct records, and comes after the rest of the page."""
    period = await _period(request)

    def work(store: Store) -> tuple[figures.Coverage, figures.Coverage | None]:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            now = figures.coverage(connection, period, current=True)
            short = period.days <= COMPARED
            return now, figures.coverage(connection, period.before, current=False) if short else None

    now, before = await services_of(request).in_store(work)
    return render(request, "coverage.html", now=now, before=before, hints=HINTS, days=period.address)


PAGES = (Page("/overview", page), Page("/overview/coverage", coverage))
TABLES = (TableSpec("sides", side_table), TableSpec("trend", trend_table))
