"""Results by experiment arm and drift against training: parts of 匹配质量 that have addresses of their own."""

import asyncio
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from eval.online.experiments import Experiment, Mode, Results, all_experiments
from eval.online.monitor_report import last_report
from serving.dashboard.figures.arms import arm_rows, experiment_of, experiment_results, step_rows
from serving.dashboard.figures.periods import china_day_of
from serving.dashboard.page import Page, at_length
from serving.dashboard.pages.records import version_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import services_of

MODES = {Mode.SPLIT: "分流", Mode.SHADOW: "影子", Mode.INTERLEAVE: "交替"}
ARM_NAMES = {"champion": "在役", "challenger": "挑战者"}
STEP_NAMES = {"click": "查看", "contact": "联系", "meeting": "会面", "deal": "成交"}
FINDING_NAMES = {
    "traffic": "流量",
    "feature drift": "特征漂移",
    "score drift": "得分漂移",
    "unanswered": "没有足够好的匹配",
    "click rate": "查看率",
    "contact rate": "联系率",
    "good outcomes": "好结果（对照模型概率）",
}
EMPTY = "还没有实验。用 gongxu experiment start --mode split 开始一个。"
UNWATCHED = "还没有检查过。运行 gongxu monitor（建议每天一次），结果会出现在这里。"


async def page(request: Request) -> Response:
    """Show the outcome of an experiment, arm by arm; it is counted from its events, which may take a few seconds."""
    services = services_of(request)
    chosen = await _chosen(request)
    found = await _results(request, chosen) if chosen else None
    return render(
        request,
        "experiments.html",
        title="实验各臂的结果",
        active="quality",
        experiments=(await asyncio.to_thread(all_experiments, services.settings.home))[::-1],
        chosen=chosen,
        found=found,
        modes=MODES,
        arms=await show(request, await arms_table(request)),
        steps=await show(request, await steps_table(request)),
    )


async def _chosen(request: Request) -> Experiment | None:
    home = services_of(request).settings.home
    return await asyncio.to_thread(experiment_of, home, request.query_params.get("experiment", ""))


async def _results(request: Request, experiment: Experiment) -> Results:
    work = partial(experiment_results, home=services_of(request).settings.home, experiment=experiment)
    return await at_length(request, work)


def _days(chosen: Experiment | None) -> dict[str, str]:
    """Return the days of an experiment, as an address has them."""
    moments = {"from": chosen.started_at, "to": chosen.stopped_at} if chosen else {}
    return {name: china_day_of(moment).isoformat() for name, moment in moments.items() if moment is not None}


async def arms_table(request: Request) -> Table:
    """Return the table of an experiment's arms."""
    chosen = await _chosen(request)
    rows = arm_rows(await _results(request, chosen)) if chosen else []
    days = _days(chosen)

    def link(row: Row, kind: str) -> tuple[str, dict[str, Any]]:
        return "/records/events", {"version": row["version"], "kind": kind, **days}

    return Table(
        "arms",
        f"各臂结果{f'：{chosen.name}' if chosen else ''}",
        (
            Column("arm", "臂"),
            Column("version", "版本", "code", link=version_link),
            Column(
                "requests",
                "请求",
                "number",
                "实验期间由该臂作答的请求数（交替、影子：双方都作答的请求数）；点击看它的展示事件。",
                link=partial(link, kind="impression"),
            ),
            Column(
                "demanders",
                "需求方",
                "number",
                "分流：由该臂服务的需求方家数；交替：偏好该臂的家数。",
                link=partial(link, kind="impression"),
            ),
            *(
                Column(
                    step,
                    f"{label}率",
                    "percent",
                    f"至少到{label}这一步的请求 ÷ 请求数。",
                    link=partial(link, kind=step),
                )
                for step, label in STEP_NAMES.items()
            ),
            Column(
                "wins", "胜出请求", "number", "交替：该臂的推荐被采纳更多的请求数。", link=partial(link, kind="click")
            ),
        ),
        MemoryRows([dict.fromkeys(STEP_NAMES) | row | {"arm": ARM_NAMES[row["arm"]]} for row in rows]),
        find=("arm", "version"),
        sort="arm",
        descending=False,
        empty=EMPTY,
    )


async def steps_table(request: Request) -> Table:
    """Return the table of differences between the arms."""
    chosen = await _chosen(request)
    rows = step_rows(await _results(request, chosen)) if chosen else []
    days = _days(chosen)

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/records/events", {"kind": row["kind"], **days}

    interval = "95% 区间，按需求方自助抽样；两端同号才算有差别。"
    return Table(
        "steps",
        "挑战者减在役",
        (
            Column("step", "步骤"),
            Column("champion", "在役", "percent", "在役一臂至少到这一步的请求占比。", link=link),
            Column("challenger", "挑战者", "percent", "挑战者一臂至少到这一步的请求占比。", link=link),
            Column("difference", "差", "percent", "挑战者的占比减在役的占比。", link=link),
            Column("low", "下限", "percent", interval, link=link),
            Column("high", "上限", "percent", interval, link=link),
        ),
        MemoryRows([row | {"kind": row["step"], "step": STEP_NAMES[row["step"]]} for row in rows]),
        find=("step",),
        empty="只有分流实验按步骤比较。",
    )


async def experiments_table(request: Request) -> Table:
    """Return the table of all experiments."""
    found = await asyncio.to_thread(all_experiments, services_of(request).settings.home)
    rows = [
        {
            "name": one.name,
            "mode": MODES[one.mode],
            "champion": one.champion,
            "challenger": one.challenger,
            "share": one.share if one.mode is Mode.SPLIT else None,
            "started_at": one.started_at,
            "stopped_at": one.stopped_at,
            "state": "进行中" if one.stopped_at is None else "已结束",
        }
        for one in found
    ]

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/quality/experiments", {"experiment": row["name"]}

    return Table(
        "experiments",
        "实验",
        (
            Column("name", "名称", link=link, hint="点击看各臂的结果。"),
            Column(
                "mode", "方式", hint="分流：一部分需求方由挑战者服务；影子：挑战者也作答但不展示；交替：双方各出一半。"
            ),
            Column("state", "状态", link=link),
            Column("champion", "在役", "code"),
            Column("challenger", "挑战者", "code"),
            Column("share", "挑战者占比", "percent", "设定由挑战者服务的需求方比例（分流）。", link=link),
            Column("started_at", "开始", "moment"),
            Column("stopped_at", "结束", "moment"),
        ),
        MemoryRows(rows),
        find=("name", "champion", "challenger"),
        choices={"state": [("进行中", "进行中"), ("已结束", "已结束")]},
        sort="started_at",
        empty=EMPTY,
    )


async def findings_table(request: Request) -> Table:
    """Return what the last `gongxu monitor` looked at."""
    report = await asyncio.to_thread(last_report, services_of(request).settings.home)
    rows = [
        one.model_dump() | {"name": FINDING_NAMES.get(one.name, one.name), "alarm": "告警" if one.alarm else "正常"}
        for one in (report.findings if report else ())
    ]
    return Table(
        "findings",
        "漂移与线上检查（gongxu monitor）",
        (
            Column("alarm", "结论"),
            Column("name", "检查"),
            Column("message", "说明", "title"),
            Column("value", "值", "decimal", "这项检查量到的值，含义见说明。", own=True),
            Column("limit", "界限", "decimal", "越过它才告警。", own=True),
        ),
        MemoryRows(rows),
        choices={"alarm": [("告警", "告警"), ("正常", "正常")]},
        empty=UNWATCHED,
        hint=f"{report.since:%Y-%m-%d} 至 {report.until:%Y-%m-%d}，版本 {report.version}。" if report else "",
    )


async def drift_table(request: Request) -> Table:
    """Return how far each feature moved since training, by the last `gongxu monitor`."""
    report = await asyncio.to_thread(last_report, services_of(request).settings.home)
    rows = [
        {"feature": name, "drifted": "漂移" if one.index > one.limit else "稳定", **one.model_dump()}
        for name, one in (report.features if report else {}).items()
    ]
    return Table(
        "drift",
        "特征漂移",
        (
            Column("feature", "特征", "code"),
            Column(
                "index", "PSI", "decimal", "群体稳定性指数：近期抽查的需求与训练时相比，特征分布移动了多少。", own=True
            ),
            Column("limit", "界限", "decimal", "超过它就不只是抽样的偶然（随抽查条数放宽）。", own=True),
            Column(
                "share",
                "占增益",
                "percent",
                "训练时排序模型从不依赖结果的特征中获得的增益，这个特征所占的比例。",
                own=True,
            ),
            Column("drifted", "结论"),
        ),
        MemoryRows(rows),
        find=("feature",),
        choices={"drifted": [("漂移", "漂移"), ("稳定", "稳定")]},
        sort="index",
        empty=UNWATCHED,
    )


PAGES = (Page("/quality/experiments", page),)
TABLES = (
    TableSpec("arms", arms_table),
    TableSpec("steps", steps_table),
    TableSpec("experiments", experiments_table),
    TableSpec("findings", findings_table),
    TableSpec("drift", drift_table),
)
