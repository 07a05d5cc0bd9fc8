"""数据健康: duplicates to merge or dismiss, missing values, old records, boilerplate, vague demands, rejected rows."""

import asyncio
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.dates import CHINA_STANDARD_TIME
from data.errors import InputError, NotFoundError
from data.store import duplicates
from data.store.database import translated_errors
from data.store.keys import AuditEntry
from data.store.reading.results import StoreCounts
from data.store.store import Store
from matcher.clarification.completeness import completeness_path, load_weights
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.figures import health as figures
from serving.dashboard.page import Page, at_length, field, fields, operator_of, see_other
from serving.dashboard.pages.endpoints.table import has_outside_models, models_table
from serving.dashboard.pages.records import demand_link
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import services_of

SHOWN_CLUSTERS = 10
MERGED_AT_ONCE = 50
LISTED = 12  # records of a group that are named; the list behind it has all
SAME, ALIKE = "标题和正文都相同", "正文相同，或同一单位的标题相同"
HINT_REJECTS = "改好文件后重新导入；已成功的行不会重复。"
HINT_SCORE = "已写明的各项（材料、方法、效果、指标、现状、预算、期限等）的权重之和。"


async def page(request: Request) -> Response:
    """Show what is wrong with the data; what takes long comes after the page."""
    services = services_of(request)
    counts, ages = await services.in_store(_ages)
    parts = {"missing": missing_table, "rejects": rejects_table}
    if has_outside_models(services):
        parts["outside_models"] = models_table
    shown = {name: await show(request, await build(request)) for name, build in parts.items()}
    return render(
        request,
        "health.html",
        title="数据健康",
        active="health",
        counts=counts,
        ages=ages,
        tables=shown,
        ready=services.holder.live is not None,
    )


def _ages(store: Store) -> tuple[StoreCounts, dict[str, int]]:
    today = datetime.now(CHINA_STANDARD_TIME).date()
    with translated_errors(store.engine.url), store.engine.connect() as connection:
        return store.counts(), figures.old(connection, today)


async def _open_clusters(request: Request) -> list[figures.Cluster]:
    """Return the groups that nobody decided about and whose records are still as the bundle knows them."""
    services = services_of(request)
    live = services.holder.live
    if live is None:
        return []
    found = await asyncio.to_thread(figures.clusters, live.engine)
    decided = {one.cluster for one in await services.in_store(duplicates.decisions)}
    return [cluster for cluster in found if cluster.digest not in decided]


async def clusters_part(request: Request) -> Response:
    """Show groups of records that look like one."""
    waiting = await _open_clusters(request)
    done = await services_of(request).in_store(duplicates.decisions)
    return render(
        request,
        "clusters.html",
        title="重复记录",
        active="health",
        clusters=waiting[:SHOWN_CLUSTERS],
        number=len(waiting),
        listed=LISTED,
        same=SAME,
        alike=ALIKE,
        decided=done[:SHOWN_CLUSTERS],
        shown=await show(request, await clusters_table(request)),
    )


async def clusters_table(request: Request) -> Table:
    """Return the table of groups that nobody decided about."""
    rows = [
        {
            "side": cluster.side,
            "id": cluster.ids[0],
            "digest": cluster.digest,
            "title": cluster.titles[0],
            "number": len(cluster.ids),
            "ids": "、".join(cluster.ids[:LISTED]) + (" 等" if len(cluster.ids) > LISTED else ""),
            "same": SAME if cluster.same_text else ALIKE,
        }
        for cluster in await _open_clusters(request)
    ]

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return f"/browse/{row['side'].removesuffix('s')}", {"id": row["id"]}

    def members(row: Row) -> tuple[str, dict[str, Any]]:
        return f"/records/{row['side']}", {"cluster": row["digest"]}

    return Table(
        "clusters",
        "全部待处理的重复组",
        (
            Column("side", "类别", "say"),
            Column("title", "名称", "title", link=link),
            Column("number", "条数", "number", "组内仍开放的记录数。", link=members),
            Column("same", "依据", hint="规范化（全角半角、简繁、大小写、标点）后比较。"),
            Column("ids", "编号"),
        ),
        MemoryRows(rows),
        find=("title", "ids"),
        choices={"side": [("achievements", "成果"), ("demands", "需求")]},
        sort="number",
        empty="没有待处理的重复。",
    )


async def _cluster(request: Request) -> figures.Cluster:
    wanted = field(request, "cluster")
    found = next((one for one in await _open_clusters(request) if one.digest == wanted), None)
    if found is None:
        raise NotFoundError("this group is gone: somebody decided about it, or a new bundle sees it otherwise")
    return found


async def merge(request: Request) -> Response:
    """Let one record represent its group; records that may be different matters are shown first, to be chosen one by one."""
    cluster, kept = await _cluster(request), field(request, "kept")
    if kept not in cluster.ids:
        raise InputError("请选择要保留的一条。")
    if not field(request, "confirmed"):
        return await _merge_preview(request, cluster, kept)
    chosen = set(fields(request, "chosen")) & set(cluster.ids)
    ids = [one for one in cluster.ids if one == kept or one in chosen]
    if len(ids) < 2:
        raise InputError("请至少勾选一条要并入的记录。")
    who, now = operator_of(request), utc_now()

    def work(store: Store) -> None:
        duplicates.merge(store, cluster.side, cluster.digest, ids, kept, who.name, now)
        _note(store, request, "duplicates.merge", f"{kept} <- {', '.join(ids)}")

    await services_of(request).in_store(work)
    return see_other(request, "/health", notice="merged")


async def _merge_preview(request: Request, cluster: figures.Cluster, kept: str) -> Response:
    """Show what a merger would do; nothing is ticked where the records may be different matters."""

    def read(store: Store) -> list[Any]:
        get = store.achievement if cluster.side == "achievements" else store.demand
        found = [get(kept)]
        for one in [one for one in cluster.ids if one != kept][: MERGED_AT_ONCE - 1]:
            with suppress(NotFoundError):  # deleted since the bundle was built
                found.append(get(one))
        return found

    records = await services_of(request).in_store(read)
    return render(
        request,
        "merge_preview.html",
        title="合并前核对",
        active="health",
        cluster=cluster,
        kept=kept,
        records=records,
        ticked=not cluster.needs_look,
        left=len(cluster.ids) - len(records),
    )


async def dismiss(request: Request) -> Response:
    """Note that a group's records are different matters."""
    cluster = await _cluster(request)
    who, now = operator_of(request), utc_now()

    def work(store: Store) -> None:
        duplicates.dismiss(store, cluster.side, cluster.digest, cluster.ids, who.name, now)
        _note(store, request, "duplicates.dismiss", ", ".join(cluster.ids))

    await services_of(request).in_store(work)
    return see_other(request, "/health", notice="dismissed")


async def undo(request: Request) -> Response:
    """Take a decision about a group back."""
    number, now = field(request, "number"), utc_now()
    if not number.isdecimal() or len(number) > 9:
        raise HTTPException(400, "编号不正确。")

    def work(store: Store) -> None:
        done = duplicates.undo(store, int(number), now)
        _note(store, request, "duplicates.undo", ", ".join(done.ids))

    await services_of(request).in_store(work)
    return see_other(request, "/health", notice="restored")


def _note(store: Store, request: Request, action: str, subject: str) -> None:
    entry = AuditEntry(utc_now(), operator_of(request).actor, action, subject[:500], request.state.request_id)
    store.api_keys.note(entry)


async def missing_table(request: Request) -> Table:
    """Return the table of missing values of open records."""

    def work(store: Store) -> list[dict[str, Any]]:
        with translated_errors(store.engine.url), store.engine.connect() as connection:
            return figures.missing(connection)

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return f"/records/{row['side']}", {"state": "open", "missing": row["column"]}

    return Table(
        "missing",
        "缺失的字段",
        (
            Column("side", "类别", "say"),
            Column("label", "字段", link=link),
            Column("missing", "缺失条数", "number", "目前开放的记录中没有写这一项的条数。", link=link),
            Column("share", "占比", "percent", "缺失条数 ÷ 目前开放的记录数。", link=link),
            Column("bar", "", "bar", sortable=False),
        ),
        MemoryRows([row | {"bar": row["share"]} for row in await services_of(request).in_store(work)]),
        sort="share",
        choices={"side": [("achievements", "成果"), ("demands", "需求")]},
    )


async def rejects_table(request: Request) -> Table:
    """Return the table of lists of rejected rows."""
    rows = await asyncio.to_thread(figures.rejects, services_of(request).settings.home)

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/health/rejects", {"file": row["file"]}

    return Table(
        "rejects",
        "导入时被拒绝的行",
        (
            Column("file", "清单", link=link),
            Column("at", "时间", "moment"),
            Column("rows", "问题数", "number", "每行每列一条；文件改好后重新导入即可。", link=link),
            Column("reasons", "最常见的原因", "title"),
        ),
        MemoryRows(rows),
        find=("file", "reasons"),
        sort="at",
        empty="没有被拒绝的行。",
    )


async def reject_rows_table(request: Request) -> Table:
    """Return the rows of one list of rejects."""
    name = request.query_params.get("file", "")
    rows = await asyncio.to_thread(figures.reject_rows, services_of(request).settings.home, name)
    return Table(
        "reject_rows",
        name or "被拒绝的行",
        (
            Column("file", "文件"),
            Column("row", "行"),
            Column("column", "列"),
            Column("value", "值"),
            Column("reason", "原因"),
        ),
        MemoryRows(rows),
        find=("column", "value", "reason"),
        size=50,
        descending=False,
    )


async def reject_rows(request: Request) -> Response:
    """Show one list of rejects."""
    shown = await show(request, await reject_rows_table(request))
    return render(
        request,
        "one_table.html",
        title="被拒绝的行",
        active="health",
        sub=HINT_REJECTS,
        shown=shown,
    )


async def boilerplate_table(request: Request) -> Table:
    """Return sentences that occur in many records."""
    rows = await at_length(request, figures.boilerplate)

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return f"/records/{row['side']}", {"sentence": row["sentence"]}

    return Table(
        "boilerplate",
        "套话",
        (
            Column("side", "类别", "say"),
            Column("sentence", "句子", "title"),
            Column("records", "出现在", "number", "抽样记录中含有这句话的条数。", link=link),
            Column("share", "占抽样", "percent", "占抽样记录的比例。", link=link),
            Column("sample", "抽样条数", "number", "均匀抽取，每类最多四千条。", own=True),
        ),
        MemoryRows(rows),
        find=("sentence",),
        choices={"side": [("achievements", "成果"), ("demands", "需求")]},
        sort="records",
        hint="同一句话反复出现，对匹配没有帮助，还会让不相干的记录显得相似。",
        empty="抽样中没有反复出现的句子。",
    )


async def vague_table(request: Request) -> Table:
    """Return the vaguest of the newest open demands and what to ask."""
    services = services_of(request)
    live = services.holder.live
    weights = load_weights(completeness_path(services.settings))
    work = partial(figures.vague_demands, engine=live.engine if live else None, weights=weights)
    rows = await at_length(request, work)

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/health/ask", {"id": row["id"]}

    return Table(
        "vague",
        "含糊的需求与该问什么",
        (
            Column("id", "编号", link=demand_link),
            Column("title", "需求名称", "title", link=demand_link),
            Column("enterprise", "企业"),
            Column(
                "score",
                "完整度",
                "percent",
                HINT_SCORE,
                link=link,
            ),
            Column("answered", "预计获响应", "percent", "完整度相当的需求历史上得到响应的比例。", link=link),
            Column("ask", "问企业什么", "title", "点击查看最值得问的一个问题，并登记企业的回答。", link=link),
            Column("lacks", "尚缺", "title"),
            Column("answers", "已答", "number", "已登记的回答条数。", link=link),
        ),
        MemoryRows(rows),
        find=("id", "title", "enterprise"),
        sort="score",
        descending=False,
        hint=f"最近更新的 {figures.VAGUE_LOOKED_AT} 条开放需求。",
        empty="没有开放的需求。",
    )


async def part(request: Request, build: Any) -> Response:
    """Show one table: alone, or as part of the page."""
    shown = await show(request, await build(request))
    return render(request, "one_table.html", title=shown.table.title, active="health", sub="", shown=shown)


PAGES = (
    Page("/health", page),
    Page("/health/clusters", clusters_part),
    Page("/health/merge", merge, Role.MANAGER, post=True),
    Page("/health/dismiss", dismiss, Role.MANAGER, post=True),
    Page("/health/undo", undo, Role.MANAGER, post=True),
    Page("/health/rejects", reject_rows),
    Page("/health/boilerplate", partial(part, build=boilerplate_table)),
    Page("/health/vague", partial(part, build=vague_table)),
)
TABLES = (
    TableSpec("missing", missing_table),
    TableSpec("rejects", rejects_table),
    TableSpec("reject_rows", reject_rows_table),
    TableSpec("clusters", clusters_table),
    TableSpec("boilerplate", boilerplate_table),
    TableSpec("vague", vague_table),
)
