"""What users get: the newest evaluation of whole served lists, beside what simpler systems would have shown."""

import asyncio
from typing import Any

from starlette.requests import Request

from serving.dashboard.figures.trained import served_evaluation
from serving.dashboard.tables import Column, MemoryRows, Table, TableSpec
from serving.runtime.services import services_of

SYSTEMS = {
    "gongxu": "本系统",
    "rrf": "向量 + BM25 融合",
    "encoder": "只用向量",
    "bm25": "只用 BM25",
    "random": "随机",
}
METRICS = {
    "ndcg10": ("NDCG@10", "前十名排得多好：1 为完美。"),
    "p10": ("前十好的比例", "前十项中被评为较强以上的比例。"),
    "hit3": ("前三有好的", "前三项中至少有一项较强以上的需求所占比例。"),
    "recall10": ("前十召回", "库中已知的好成果有多少进了前十。"),
    "answered": ("作答率", "没有回答“没有足够好的匹配”的需求所占比例。"),
    "risk": ("答错率", "作答的需求中，前三项都不好的比例。"),
    "ece": ("校准误差", "显示的概率与实际比例的平均差距，越小越好。"),
}
CHARTED = "ndcg10"
HOW = "gongxu evaluate --served：对模型从未学过结果的需求，要来真正的整份列表再评分；方括号内为 95% 区间。"


async def served_rows(request: Request) -> tuple[str, list[dict[str, Any]]]:
    """Return when the newest evaluation of served lists was made, "" for none, and its rows, ours first."""
    found = await asyncio.to_thread(served_evaluation, services_of(request).settings.home)
    if found is None:
        return "", []
    name, systems = found
    rows = [
        {"system": SYSTEMS.get(key, key), "key": key}
        | {metric: systems[key].get(metric) or {} for metric in METRICS}
        | {f"{metric}_told": _told(systems[key].get(metric) or {}) for metric in METRICS}
        for key in sorted(systems, key=lambda one: list(SYSTEMS).index(one) if one in SYSTEMS else len(SYSTEMS))
    ]
    return name, rows


def _told(figure: dict[str, Any]) -> str:
    """Return a figure with its interval; – where it was not measured."""
    if figure.get("value") is None:
        return "–"
    if figure.get("low") is None or figure.get("high") is None:
        return f"{figure['value']:.3f} [–]"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def dots(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the chart draws of each system: name, value and interval, on an axis from 0 to 1."""
    known = [(row["system"], row[CHARTED]) for row in rows if row[CHARTED].get("value") is not None]
    return [
        {
            "name": name,
            "value": figure["value"],
            "low": figure["value"] if figure.get("low") is None else figure["low"],
            "high": figure["value"] if figure.get("high") is None else figure["high"],
        }
        for name, figure in known
    ]


async def served_table(request: Request) -> Table:
    """Return the figures of served lists by system."""
    name, rows = await served_rows(request)
    when = f"{name[:4]}-{name[4:6]}-{name[6:8]} " if name[:8].isdecimal() else f"{name} "
    return Table(
        "served",
        "推荐列表的质量",
        (
            Column("system", "方法", hint="同一批需求，各方法给出的整份列表。", sortable=False),
            *(
                Column(f"{metric}_told", label, "code", hint, sortable=False)
                for metric, (label, hint) in METRICS.items()
            ),
        ),
        MemoryRows(rows),
        find=("system",),
        hint=f"{when if rows else ''}{HOW}",
        empty="还没有评估过整份列表。在服务器上运行 gongxu evaluate --served --dataset 评分文件夹。",
    )


TABLES = (TableSpec("served", served_table),)
PAGES = ()
