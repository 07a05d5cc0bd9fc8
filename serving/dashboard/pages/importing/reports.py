"""数据导入, afterwards: the list of imports, the report of each, and how one is taken back as a whole."""

import asyncio
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.errors import InputError
from data.files.table_kinds import TableKind, headers_of, kind_named, label_of
from data.store.imports.log import ImportEntry
from data.store.imports.undo import Undone
from data.store.store import Store
from serving.dashboard.accounts.access import Role
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec
from serving.runtime.services import services_of

LISTED = 200
COUNTS = ("read", "inserted", "updated", "unchanged", "noted", "rejected")
_OTHER_FIELDS = {"extra": "其他列", "price_min": "价格下限", "price_max": "价格上限"}


async def imports_table(request: Request) -> Table:
    """Return the table of the latest imports."""
    entries = await services_of(request).in_store(lambda store: store.imports.latest(LISTED))
    running = await asyncio.to_thread(services_of(request).imports.uploads.running)
    number = running.number if running else None

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/imports/report", {"number": row["number"]}

    return Table(
        "imports",
        "历次导入",
        (
            Column("number", "编号", "number", "命令行和这里的导入一起编号。", own=True, link=link),
            Column("at", "开始时间", "moment"),
            Column("files", "文件", "title", link=link),
            Column("actor", "谁"),
            Column("read", "读取", "number", "文件中的数据行数。", own=True),
            Column("inserted", "新增", "number", "库里原来没有的。", own=True),
            Column("updated", "更新", "number", "库里已有、内容有变的。", own=True),
            Column("unchanged", "未变", "number", "库里已有、内容相同的；含与前面的行完全相同的。", own=True),
            Column("noted", "附注", "number", "已导入、但有单元格读不出而保留原文的行。", own=True),
            Column("rejected", "拒绝", "number", "没有导入的行，原因见报告。", own=True),
            Column("state", "状态"),
        ),
        MemoryRows([_listed(entry, number) for entry in entries]),
        find=("files", "actor"),
        choices={"state": [(state, state) for state in ("完成", "未完成", "正在导入", "已撤销")]},
        sort="number",
        empty="还没有导入过。",
        hint=f"最近 {LISTED} 次。",
    )


def _listed(entry: ImportEntry, running: int | None) -> dict[str, Any]:
    counts = {name: sum(int(one.get(name, 0)) for one in entry.report) for name in COUNTS}
    counts["unchanged"] += sum(int(one.get("repeated", 0)) for one in entry.report)
    names = list(dict.fromkeys(Path(str(one.get("path", ""))).name for one in entry.report))
    return {
        "number": entry.number,
        "at": entry.started_at,
        "actor": entry.actor,
        "files": "、".join(names),
        "state": _state(entry, running),
        **counts,
    }


def _state(entry: ImportEntry, running: int | None) -> str:
    if entry.undone_at is not None:
        return "已撤销"
    if entry.finished_at is not None:
        return "完成"
    return "正在导入" if entry.number == running else "未完成"


async def report(request: Request) -> Response:
    """Show what an import did with each table."""
    number = _number(request.query_params.get("number", ""))
    running = await asyncio.to_thread(services_of(request).imports.uploads.running)
    latest = await asyncio.to_thread(
        services_of(request).undoing.latest
    )  # first: the entry then tells whether it ended

    def work(store: Store) -> tuple[ImportEntry, Undone | None]:
        entry = store.imports.get(number)
        return entry, store.imports.undoable(entry)

    entry, changes = await services_of(request).in_store(work)
    return render(
        request,
        "import_report.html",
        title=f"导入 {number}",
        active="imports",
        entry=entry,
        state=_state(entry, running.number if running else None),
        tables=[_reported(one) for one in entry.report],
        changes=changes,
        undoing=latest if latest is not None and latest.number == number else None,
    )


def _reported(one: dict[str, Any]) -> dict[str, Any]:
    """Return a table's part of a report with names in Chinese; a report may be an older version's."""
    kind = _kind(str(one.get("kind", "")))
    fields = dict(one.get("changed_fields") or {})
    return {
        "name": Path(str(one.get("path", ""))).name,
        "sheet": str(one.get("sheet") or ""),
        "kind": label_of(kind) if kind else str(one.get("kind", "")),
        **{name: int(one.get(name, 0)) for name in (*COUNTS, "repeated", "skipped", "conflicting", "garbled")},
        "changed": sorted(((_field_name(kind, name), int(count)) for name, count in fields.items()), key=_by_count),
        "columns": [(header, _field_name(kind, str(name))) for header, name in dict(one.get("columns") or {}).items()],
        "unknown_columns": list(one.get("unknown_columns") or ()),
        "unknown_demands": int(one.get("unknown_demands", 0)),
        "unknown_achievements": int(one.get("unknown_achievements", 0)),
        "unknown_named": list(one.get("unknown_named") or ()),
        "rejects": Path(one["rejects_file"]).name if one.get("rejects_file") else "",
        "remarks": Path(one["notes_file"]).name if one.get("notes_file") else "",
        "notes": list(one.get("notes") or ()),
    }


def _kind(name: str) -> TableKind | None:
    try:
        return kind_named(name)
    except InputError:  # declared no more
        return None


def _field_name(kind: TableKind | None, name: str) -> str:
    heading = headers_of(kind).get(name, "") if kind else ""
    return heading.split()[0] if heading else _OTHER_FIELDS.get(name, name)


def _by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


async def undo(request: Request) -> Response:
    """Begin to take an import back as a whole; a small one is over when the answer comes."""
    services, who, number = services_of(request), operator_of(request), _number(field(request, "number"))
    if field(request, "sure") != "1":
        raise InputError("not confirmed", "请先勾选确认。")
    await asyncio.to_thread(services.undoing.begin, number, who.actor, request.state.request_id)
    latest = await asyncio.to_thread(services.undoing.latest)
    over = latest is not None and not latest.running and not latest.message
    return see_other(request, "/imports/report", number=number, notice="import_undone" if over else None)


async def undo_progress(request: Request) -> Response:
    """Show how far an undo is; nothing to wait for once it has ended."""
    latest = await asyncio.to_thread(services_of(request).undoing.latest)
    return render(request, "import_undoing.html", title="正在撤销", active="imports", undoing=latest)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise HTTPException(404, "没有这次导入。")
    return int(text)


PAGES = (
    Page("/imports/report", report),
    Page("/imports/undo", undo, Role.MANAGER, post=True),
    Page("/imports/undoing", undo_progress, Role.MANAGER),
)
TABLES = (TableSpec("imports", imports_table),)
