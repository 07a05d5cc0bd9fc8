"""数据导入, afterwards: the list of imports, the report of each, and how one is taken back as a whole."""

import asyncio
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.errors import ConflictError, InputError
from data.files.table_kinds import TableKind, headers_of, kind_named, label_of
from data.store.imports.log import ImportEntry
from data.store.imports.undo import Undone
from data.store.keys import AuditEntry
from data.store.store import Store
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
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

    def work(store: Store) -> tuple[ImportEntry, Undone | None]:
        entry = store.imports.get(number)
        return entry, store.imports.undoable(entry)

    entry, changes = await services_of(request).in_store(work)
    kept = request.query_params.get("kept", "")
    return render(
        request,
        "import_report.html",
        title=f"导入 {number}",
        active="imports",
        entry=entry,
        state=_state(entry, running.number if running else None),
        tables=[_reported(one) for one in entry.report],
        changes=changes,
        kept=int(kept) if kept.isdecimal() and len(kept) < 10 else 0,
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
    """Take an import back as a whole."""
    services, who = services_of(request), operator_of(request)
    number, now = _number(field(request, "number")), utc_now()
    if field(request, "sure") != "1":
        raise InputError("not confirmed", "请先勾选确认。")
    running = await asyncio.to_thread(services.imports.uploads.running)
    if running is not None:
        raise ConflictError("an import is running", "有一项导入正在进行，请等它完成后再撤销。")

    def work(store: Store) -> int:
        done = store.imports.undo(number, now)
        subject = (
            f"导入 {number}：恢复 {done.restored:,} 项，删除 {done.removed:,} 项，收回事件 {done.events:,} 条，"
            f"{done.kept:,} 项此后有改动而未动"
        )
        store.api_keys.note(AuditEntry(now, who.actor, "imports.undo", subject, request.state.request_id))
        return done.kept

    kept = await services.in_store(work, patient=True)
    services.written()
    return see_other(request, "/imports/report", number=number, kept=kept or None, notice="import_undone")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise HTTPException(404, "没有这次导入。")
    return int(text)


PAGES = (
    Page("/imports/report", report),
    Page("/imports/undo", undo, Role.MANAGER, post=True),
)
TABLES = (TableSpec("imports", imports_table),)
