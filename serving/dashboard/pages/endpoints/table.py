"""外部模型 on 数据健康: how the endpoints fare that this server calls."""

import asyncio

from starlette.requests import Request

from models.remote.endpoint import Endpoint
from serving.dashboard.page import Page
from serving.dashboard.tables import Column, MemoryRows, Table, TableSpec
from serving.runtime.outside.endpoints import ModelReport, encoder_endpoints, report
from serving.runtime.services import Services, services_of

NAMES = {"chat": "对话", "encoder": "向量", "rerank": "重排"}
ANSWERED = ("ok", "cached")
OUTCOMES = {
    "late": "超时",
    "failed": "返回错误",
    "unreachable": "连接不上",
    "broken": "应答格式不对",
    "open": "暂停期间未调用",
    "busy": "并发已满未调用",
    "spent": "当日次数用完",
    "unrecorded": "次数无法登记",
    "forbidden": "主机不在允许之列",
}


def has_outside_models(services: Services) -> bool:
    """Tell whether the server calls any endpoint."""
    return bool(_endpoints(services))


async def models_table(request: Request) -> Table:
    """Return the table of endpoints."""
    found = _endpoints(services_of(request))
    reports = await asyncio.to_thread(lambda: [report(one) for one in found])
    return Table(
        "outside_models",
        "外部模型",
        (
            Column("name", "用途"),
            Column("model", "模型"),
            Column("host", "主机"),
            Column("state", "状态", hint="连续失败五次后暂停三十秒，再试一次。"),
            Column("calls", "今日调用", "number", "本日（北京时间）各进程合计的调用次数，含重试。", own=True),
            Column("limit", "每日上限", "number", "GONGXU_MODEL_CALLS；用完后当日不再调用。", own=True),
            Column("answered", "成功", "number", "本进程启动以来得到可用应答的次数，含缓存。", own=True),
            Column(
                "failed",
                "失败",
                "number",
                "本进程启动以来没有得到可用应答的次数；页面与接口照常，只是缺少模型的部分。",
                own=True,
            ),
            Column("reasons", "失败原因"),
            Column("failed_at", "最近失败", "moment"),
        ),
        MemoryRows([_row(one) for one in reports]),
        find=("name", "model", "host"),
        hint="没有它们一切照常；失败时答案会注明缺少什么。",
        sort="name",
        descending=False,
        empty="没有配置外部模型。",
    )


def _endpoints(services: Services) -> list[Endpoint]:
    chat = None if services.chat is None else services.chat.endpoint
    found = (chat, services.reranking.endpoint, *encoder_endpoints(services.holder.live))
    return [endpoint for endpoint in found if endpoint is not None]


def _row(one: ModelReport) -> dict[str, object]:
    failures = {name: number for name, number in one.outcomes.items() if name not in ANSWERED}
    reasons = sorted(failures.items(), key=lambda item: -item[1])
    return {
        "name": NAMES.get(one.name, one.name),
        "model": one.model,
        "host": one.host,
        "state": "已暂停" if one.paused else "正常" if one.outcomes else "尚未调用",
        "calls": one.calls_today,
        "limit": one.calls_a_day,
        "answered": sum(one.outcomes.get(name, 0) for name in ANSWERED),
        "failed": sum(failures.values()),
        "reasons": "、".join(f"{OUTCOMES.get(name, name)} {number}" for name, number in reasons),
        "failed_at": one.failed_at,
    }


PAGES: tuple[Page, ...] = ()
TABLES = (TableSpec("outside_models", models_table),)
