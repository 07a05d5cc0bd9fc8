"""匹配质量: offline figures by version, online rates, calibration, drift, and what got worse, first."""

import asyncio
from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from data.store.database import translated_errors
from data.store.store import Store
from eval.online.experiments import all_experiments
from eval.online.versions import Candidate
from matcher.bundle import CURRENT, PREVIOUS, all_bundles, pointed
from serving.dashboard import charts, wording
from serving.dashboard.figures import quality as figures
from serving.dashboard.figures.lists import UNSTATED
from serving.dashboard.figures.periods import LENGTHS, Period, last_day, period_of
from serving.dashboard.figures.trained import (
    Reliability,
    evaluations,
    held_out,
    reliability,
    shown_interval,
    trained_versions,
)
from serving.dashboard.page import Page
from serving.dashboard.pages.experiments import drift_table, findings_table
from serving.dashboard.pages.overview import HINTS, SIDES, UNKNOWN, name_of
from serving.dashboard.pages.records import pair_link, version_link
from serving.dashboard.pages.served import dots, served_rows, served_table
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import Services, services_of

METRICS = {
    "ndcg10": ("NDCG@10", "前十名排得多好：1 为完美，等级越高的成果排得越前越好。"),
    "score": ("score", "1 ÷ (1 + 等级平均绝对误差)，0 到 1。"),
    "auc2": ("AUC（较强以上）", "任取一对好的和一对差的，好的得分更高的概率；0.5 等于随机。"),
    "auc3": ("AUC（强）", "同上，以“强匹配”为好。"),
    "qwk": ("加权 κ", "预测等级与实际等级的一致性，1 完全一致，0 与随机无异。"),
}
SLICE_METRIC = "ndcg10"
MAX_CHANGE_HINT = "在役版本减上一版；负数为变差，排在最前。"


async def page(request: Request) -> Response:
    """Show how good the matches are, offline and online."""
    services = services_of(request)
    home, bundles = services.settings.home, services.settings.bundles
    trained = await asyncio.to_thread(trained_versions, home)
    asked = request.query_params.get("version", "")
    chosen = asked if asked in {one.version for one in trained} else _default(trained, pointed(bundles, CURRENT))
    _, served = await served_rows(request)
    curve = await asyncio.to_thread(reliability, home, chosen)
    state = await services.in_store(partial(_state, request=request))
    tables = {
        name: await show(request, await build(request))
        for name, build in (
            ("served", served_table),
            ("offline", offline_table),
            ("slices", slices_table),
            ("online", online_table),
            ("reliability", reliability_table),
            ("evaluation", evaluation_table),
            ("findings", findings_table),
            ("drift", drift_table),
        )
    }
    return render(
        request,
        "quality.html",
        title="匹配质量",
        charted=True,
        active="quality",
        dots=dots(served),
        slices=slices_chart(tables["slices"].rows),
        trained=trained,
        chosen=chosen,
        lengths=LENGTHS,
        sides=SIDES,
        tables=tables,
        name_of=name_of,
        experiments=bool(await asyncio.to_thread(all_experiments, home)),
        calibration=charts.calibration([_point(bin_) for bin_ in curve], "校准：预测概率与实际比例") if curve else None,
        **state,
    )


def slices_chart(rows: list[Row]) -> Markup | None:
    """Return the slices' values with their intervals; None without any."""
    known = [row for row in rows if row["value"] is not None]
    shown = [
        {"name": row["slice"], "value": row["value"], "low": row["low"], "high": row["high"]}
        | {"note": "" if row["change"] is None else f"比上一版 {row['change']:+.3f}"}
        for row in known
    ]
    return charts.dots(shown, "各分组的 NDCG@10 与 95% 区间") if shown else None


def _point(bin_: Reliability) -> dict[str, float]:
    """Return what the calibration chart shows of one range of probabilities, with the interval of what came."""
    observed = figures.wilson(round(bin_.observed * bin_.pairs), bin_.pairs)
    return {
        "from": bin_.low,
        "to": bin_.high,
        "pairs": bin_.pairs,
        "predicted": bin_.predicted,
        "observed": bin_.observed,
        "low": observed.low or 0.0,
        "high": observed.high or 0.0,
    }


def _default(trained: list[Candidate], current: str) -> str:
    """Return the version whose curve is shown unless one is asked for: the one in service, else the latest."""
    known = [one.version for one in trained]
    return current if current in known else known[0] if known else ""


def _state(store: Store, request: Request) -> dict[str, Any]:
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        latest = last_day(connection)
        period = period_of(request, latest)
        drift = figures.traffic_drift(connection, period) if latest else []
    return {"period": period, "drift": drift, "any_events": latest is not None}


async def _period(request: Request) -> Period:
    def work(store: Store) -> Period:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            return period_of(request, last_day(connection))

    return await services_of(request).in_store(work)


async def offline_table(request: Request) -> Table:
    """Return the figures of all trained versions on outcomes they learned nothing from."""
    found = await asyncio.to_thread(trained_versions, services_of(request).settings.home)
    rows = [
        {
            "version": one.version,
            "created_at": one.created_at,
            **{name: one.figures[name].value if name in one.figures else None for name in METRICS},
            **{f"{name}_interval": shown_interval(one.figures.get(name)) for name in METRICS},
            "calibration": one.calibration_error,
            "demands": one.held_out_demands,
            "pairs": one.held_out_pairs,
        }
        for one in found
    ]
    return Table(
        "offline",
        "离线指标（各版本，留出需求）",
        (
            Column("version", "版本", "code", link=version_link),
            Column("created_at", "训练时间", "moment"),
            *(
                Column(
                    f"{name}_interval",
                    label,
                    "code",
                    f"{hint}方括号内为 95% 区间（按需求自助抽样）。",
                    link=held_out_link,
                )
                for name, (label, hint) in METRICS.items()
            ),
            Column("calibration", "校准误差", "decimal", "预测概率与实际比例的平均差距。", link=held_out_link),
            Column("demands", "留出需求", "number", "没有参与训练、专用于评估的需求条数。", link=held_out_link),
            Column("pairs", "留出配对", "number", "这些需求的有结果的配对数。", link=held_out_link),
        ),
        MemoryRows(rows),
        find=("version",),
        sort="version",
        empty="还没有训练过的版本。运行 gongxu train。",
    )


async def slices_table(request: Request) -> Table:
    """Return the figures by slice of the serving version beside those of the one before, what got worse first."""
    services = services_of(request)
    trained = {one.version: one for one in await asyncio.to_thread(trained_versions, services.settings.home)}
    bundles = services.settings.bundles
    now, before = (trained.get(pointed(bundles, pointer)) for pointer in (CURRENT, PREVIOUS))

    def link(_: Row) -> tuple[str, dict[str, Any]] | None:
        return held_out_link({"version": now.version}) if now else None

    return Table(
        "slices",
        "分组质量：变差的在前",
        (
            Column("slice", "分组"),
            Column("change", "变化", "decimal", MAX_CHANGE_HINT, link=link),
            Column("value", "在役 NDCG@10", "decimal", METRICS[SLICE_METRIC][1], link=link),
            Column("low", "区间下限", "decimal", "95% 区间。", link=link),
            Column("high", "区间上限", "decimal", "95% 区间。", link=link),
            Column("before", "上一版", "decimal", "上一版在同一分组上的值。", link=link),
        ),
        MemoryRows(figures.slices_compared(now, before, SLICE_METRIC)),
        find=("slice",),
        sort="change",
        descending=False,
        empty="没有分组指标：留出的需求太少，或在役版本不是在这里训练的。",
    )


async def online_table(request: Request) -> Table:
    """Return the online rates by version."""
    period = await _period(request)

    def work(store: Store) -> list[dict[str, Any]]:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            return figures.online_rates(connection, period)

    rows = await services_of(request).in_store(work)

    def events_of(row: Row, kind: str) -> tuple[str, dict[str, Any]]:
        wanted = UNSTATED if row["version"] == UNKNOWN else row["version"]
        return "/records/events", {"version": wanted, "kind": kind, **period.address}

    def interval(step: str, label: str) -> tuple[Column, ...]:
        hint = f"{label}次数 ÷ 展示次数；同一列表内的展示并不独立，区间略偏窄。"
        return (
            Column(step, f"{label}次数", "number", HINTS[step], link=partial(events_of, kind=step)),
            Column(f"{step}_rate", f"{label}率", "percent", hint, link=partial(events_of, kind=step)),
            Column(f"{step}_low", "下限", "percent", "95% 区间（Wilson）。", link=partial(events_of, kind=step)),
            Column(f"{step}_high", "上限", "percent", "95% 区间（Wilson）。", link=partial(events_of, kind=step)),
        )

    bundles = services_of(request).settings.bundles
    known = {manifest.version for manifest in await asyncio.to_thread(all_bundles, bundles)}

    def link(row: Row) -> tuple[str, dict[str, Any]] | None:
        return version_link(row) if row["version"] in known else None

    return Table(
        "online",
        "线上结果（按作出推荐的版本；分流实验的每一臂即一个版本）",
        (
            Column("version", "版本", "code", link=link, hint="有链接的是仍在这里的模型包。"),
            Column("impression", "展示次数", "number", HINTS["impression"], link=partial(events_of, kind="impression")),
            *interval("click", "查看"),
            *interval("contact", "联系"),
            *interval("deal", "成交"),
        ),
        MemoryRows(rows),
        find=("version",),
        sort="impression",
        empty="这段时间没有事件。",
    )


async def reliability_table(request: Request) -> Table:
    """Return the numbers behind the calibration curve and the distribution."""
    services: Services = services_of(request)
    trained = await asyncio.to_thread(trained_versions, services.settings.home)
    asked = request.query_params.get("version", "")
    known = {one.version for one in trained}
    chosen = asked if asked in known else _default(trained, pointed(services.settings.bundles, CURRENT))
    rows = [bin_.model_dump() for bin_ in await asyncio.to_thread(reliability, services.settings.home, chosen)]

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/quality/held_out", {"version": chosen, "low": row["low"], "high": row["high"]}

    return Table(
        "reliability",
        "图中的数字",
        (
            Column("low", "概率自", "percent", "这一段预测概率的下端。", link=link),
            Column("high", "至", "percent", "这一段预测概率的上端，不含。", link=link),
            Column("pairs", "配对数", "number", "留出配对中预测概率落在此区间的对数。", link=link),
            Column("predicted", "平均预测概率", "percent", "这些配对的预测概率的平均。", link=link),
            Column("observed", "实际为好的比例", "percent", "结果达到“较强”及以上的比例。", link=link),
        ),
        MemoryRows(rows),
        find=("low", "high"),
        sort="low",
        descending=False,
        empty="没有留出预测。",
    )


def held_out_link(row: Row) -> tuple[str, dict[str, Any]]:
    """Lead from a version's figures to the pairs on which they were measured."""
    return "/quality/held_out", {"version": row["version"]}


async def held_out_table(request: Request) -> Table:
    """Return the held-out pairs of a version: their outcomes, and what it predicted."""
    asked, home = request.query_params, services_of(request).settings.home
    bounds = [_share(asked.get(name, ""), default) for name, default in (("low", 0.0), ("high", 1.0))]
    found = await asyncio.to_thread(held_out, home, asked.get("version", ""), *bounds)
    rows = [row | {"said": wording.GRADE_NAMES.get(row["grade"], "")} for row in found]
    return Table(
        "held_out",
        "留出配对",
        (
            Column("demand_id", "需求", link=pair_link, hint="点击看这一对的全部情况。"),
            Column("achievement_id", "成果", link=pair_link),
            Column("said", "实际等级", hint="由事件或评分得到的等级，取最好的一次。"),
            Column("probability", "预测概率", "percent", "此版本给出的、结果达到“较强”及以上的概率。", link=pair_link),
        ),
        MemoryRows(rows),
        find=("demand_id", "achievement_id"),
        choices={"said": [(name, name) for name in wording.GRADE_NAMES.values()]},
        sort="probability",
        size=50,
        empty="这个版本没有留下预测。",
    )


def _share(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


async def held_out_page(request: Request) -> Response:
    """Show the held-out pairs of a version."""
    shown = await show(request, await held_out_table(request))
    sub = f"版本 {request.query_params.get('version', '')[:100]}：没有参与训练的需求，它们的结果与预测。"
    return render(request, "one_table.html", title="留出配对", active="quality", sub=sub, shown=shown)


async def evaluation_table(request: Request) -> Table:
    """Return the stored evaluations on expert judgements, beside the baselines, the newest first."""
    found = await asyncio.to_thread(evaluations, services_of(request).settings.home)
    rows = []
    for name, title, splits in found:
        run = f"{name} {title.removeprefix('评估：')}".strip()
        for split, systems in splits.items():
            for system, measured in systems.items():
                for metric, figure in measured.items():
                    if isinstance(figure, dict) and figure.get("value") is not None:
                        row = {"run": run, "split": split, "system": system, "metric": metric}
                        rows.append(row | {key: figure.get(key) for key in ("value", "low", "high")})

    def offered(name: str) -> list[tuple[str, str]]:
        return [(value, value) for value in dict.fromkeys(row[name] for row in rows)]

    return Table(
        "evaluation",
        "专家评分上的评估",
        (
            Column("run", "评估", "code", "gongxu evaluate 存下的一次评估：时刻与数据。"),
            Column("split", "划分", hint="random：随机；dedup：相同配对归一折；grouped：测试需求全新。"),
            Column("system", "方法"),
            Column("metric", "指标"),
            Column("value", "值", "decimal", "gongxu evaluate 在这一划分的测试折上量到的值。", own=True),
            Column("low", "区间下限", "decimal", "95% 区间。", own=True),
            Column("high", "区间上限", "decimal", "95% 区间。", own=True),
        ),
        MemoryRows(rows),
        find=("run", "split", "system", "metric"),
        choices={name: offered(name) for name in ("run", "split", "system", "metric")},
        sort="run",
        empty="还没有存下的评估。运行 gongxu evaluate --dataset 评分文件夹。",
    )


PAGES = (Page("/quality", page), Page("/quality/held_out", held_out_page))
TABLES = (
    TableSpec("offline", offline_table),
    TableSpec("slices", slices_table),
    TableSpec("online", online_table),
    TableSpec("reliability", reliability_table),
    TableSpec("evaluation", evaluation_table),
    TableSpec("held_out", held_out_table),
)
