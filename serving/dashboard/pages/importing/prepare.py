"""数据导入, before and while it runs: upload, what each column is taken for, corrections, progress."""

import asyncio
from functools import partial

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from data.errors import InputError
from data.files.headers import IGNORED
from data.files.mappings import load_mapping, mapping_names, save_mapping
from data.files.previews.drafts import MAX_COLUMNS, TableDraft, looked_at
from data.files.previews.preview import mapping_of
from data.files.reading.readers import SUFFIXES
from data.files.synonyms import FileKind
from data.files.table_kinds import TableKind, declared_kinds, headers_of, kind_named, label_of, required_of
from data.store.keys import AuditEntry
from data.store.store import Store
from serving.dashboard.accounts.access import Role
from serving.dashboard.accounts.sessions import utc_now
from serving.dashboard.page import Page, field, operator_of, see_other
from serving.dashboard.pages.importing.reports import imports_table
from serving.dashboard.rendering import render
from serving.dashboard.tables import TableSpec, show
from serving.runtime.importing.uploads import MAX_FILES, Upload, Uploads, UploadState
from serving.runtime.services import services_of

AUTOMATIC = "auto"
STATE_NAMES = {
    UploadState.READY: "等待核对",
    UploadState.RUNNING: "正在导入",
    UploadState.DONE: "已导入",
    UploadState.FAILED: "失败",
    UploadState.INTERRUPTED: "中断",
}


def _uploads(request: Request) -> Uploads:
    return services_of(request).imports.uploads


async def page(request: Request) -> Response:
    """Show where files are uploaded, what waits, and the latest imports."""
    waiting: list[Upload] = []
    if operator_of(request).role.covers(Role.MANAGER):
        waiting = await asyncio.to_thread(_uploads(request).all)
    return render(
        request,
        "imports.html",
        title="数据导入",
        active="imports",
        waiting=[one for one in waiting if one.state is not UploadState.DONE],
        states=STATE_NAMES,
        suffixes=SUFFIXES,
        max_files=MAX_FILES,
        max_bytes=services_of(request).settings.serve_max_upload,
        shown=await show(request, await imports_table(request)),
    )


async def upload(request: Request) -> Response:
    """Keep the files that were sent and look at them."""
    sent: list[UploadFile] = [one for one in request.state.files if one.filename]
    work = partial(
        _uploads(request).add, operator_of(request).name, utc_now(), [(one.filename or "", one.file) for one in sent]
    )
    kept = await asyncio.to_thread(work)
    await _note(request, "imports.upload", "、".join(file.name for file in kept.files))
    return see_other(request, "/imports/preview", id=kept.id)


async def preview(request: Request) -> Response:
    """Show what an upload's tables are taken for, or how far its import is."""
    found = await asyncio.to_thread(_uploads(request).get, request.query_params.get("id", ""))
    if found.state is UploadState.DONE:
        return see_other(request, "/imports/report", number=found.number, notice="imported")
    kinds: list[TableKind] = [*FileKind, *declared_kinds()]
    return render(
        request,
        "import_preview.html",
        title="核对后导入",
        active="imports",
        upload=found,
        states=STATE_NAMES,
        kinds={kind.value: label_of(kind) for kind in kinds},
        fields={
            kind.value: [(name, heading.split()[0]) for name, heading in headers_of(kind).items()] for kind in kinds
        },
        required={kind.value: required_of(kind) for kind in kinds},
        automatic=AUTOMATIC,
        ignored=IGNORED,
        max_columns=MAX_COLUMNS,
        saved=await asyncio.to_thread(mapping_names, _uploads(request).mappings),
    )


async def progress(request: Request) -> Response:
    """Show how far an import is; nothing once it has ended."""
    found = await asyncio.to_thread(_uploads(request).get, request.query_params.get("id", ""))
    if found.state is UploadState.DONE and "x-fragment" not in request.headers:
        return see_other(request, "/imports/report", number=found.number, notice="imported")
    return render(request, "import_progress.html", title="正在导入", active="imports", upload=found, states=STATE_NAMES)


async def table(request: Request) -> Response:
    """Take a correction of one table and look at it again; keep the mapping if a name is given."""
    uploads, found = _uploads(request), await _asked(request)
    file, place = _number(request, "file"), _number(request, "table")
    if file >= len(found.files) or place >= len(found.files[file].tables):
        raise HTTPException(404, "没有这个表。")
    draft = found.files[file].tables[place]
    draft.require_version(field(request, "version"))
    wanted = _corrected(request, draft, uploads)
    mended = await asyncio.to_thread(looked_at, uploads.path(found, file), wanted)
    name = field(request, "save_as").strip()
    if name and (mended.preview is None or mended.problem):
        raise InputError(f"the table has a problem: {mended.problem}", f"先改正再保存：{mended.problem}")
    found = await asyncio.to_thread(uploads.with_table, found, file, place, mended, utc_now())
    called = f"{found.files[file].name}{f'［{mended.sheet}］' if mended.sheet else ''}"
    if name and mended.preview is not None:
        known = mapping_of(mended.preview.columns)
        headers = mended.preview.headers
        await asyncio.to_thread(save_mapping, uploads.mappings, name, kind_named(mended.kind), known, headers)
        await _note(request, "imports.mapping", f"{name}：{called}")
    await _note(request, "imports.correct", called)
    answer = see_other(request, "/imports/preview", id=found.id, notice="mapping_saved" if name else "looked_at")
    answer.headers["location"] += f"#t{file}-{place}"
    return answer


def _corrected(request: Request, draft: TableDraft, uploads: Uploads) -> TableDraft:
    """Return the draft as the form wants it; columns are those of the draft that the form was made for.

    Raises:
        InputError: the form says what cannot be.

    """
    kind = field(request, "kind")
    if kind:
        kind_named(kind)
    row = field(request, "header_row").strip()
    if row and not (row.isdecimal() and len(row) < 7 and int(row) > 0):
        raise InputError(f"header row {row[:20]!r} is no number", "表头行号应是从 1 起的整数。")
    sheet = field(request, "sheet") or draft.sheet
    if sheet not in (*draft.sheets, draft.sheet):
        raise InputError(f"no sheet {sheet[:60]!r}", f"没有工作表“{sheet[:60]}”。")
    headers = [column.header for column in draft.preview.columns[:MAX_COLUMNS]] if draft.preview else []
    mapping = {header: field(request, f"column-{place}") for place, header in enumerate(headers)}
    if not any(mapping.values()):  # the form of a table that was left out shows no columns
        mapping = draft.mapping
    mapping = {header: name for header, name in mapping.items() if name and name != AUTOMATIC}
    use = field(request, "use")
    name = ""
    if use:
        saved = load_mapping(uploads.mappings, use)
        mapping, kind, name = dict(saved.fields), saved.kind.value, use
    elif kind == draft.kind and draft.mapping_name and mapping == draft.mapping:
        name = draft.mapping_name
    return draft.model_copy(
        update={
            "kind": kind,
            "header_row": int(row) if row else None,
            "sheet": sheet,
            "mapping": mapping,
            "mapping_name": name,
            "included": field(request, "left_out") != "1",
        }
    )


async def start(request: Request) -> Response:
    """Begin an import, or go on with one that was broken off."""
    found, who = await _asked(request), operator_of(request)
    begin = partial(
        services_of(request).imports.begin,
        found,
        who.actor,
        replace=field(request, "replace") == "1",
        request_id=request.state.request_id,
    )
    await asyncio.to_thread(begin)
    return see_other(request, "/imports/preview", id=found.id)


async def discard(request: Request) -> Response:
    """Delete an upload."""
    found = await _asked(request)
    await asyncio.to_thread(_uploads(request).discard, found)
    await _note(request, "imports.discard", "、".join(file.name for file in found.files))
    return see_other(request, "/imports", notice="discarded")


async def _asked(request: Request) -> Upload:
    return await asyncio.to_thread(_uploads(request).get, field(request, "id"))


def _number(request: Request, name: str) -> int:
    value = field(request, name)
    if not value.isdecimal() or len(value) > 4:
        raise HTTPException(400, "编号不正确。")
    return int(value)


async def _note(request: Request, action: str, subject: str) -> None:
    entry = AuditEntry(utc_now(), operator_of(request).actor, action, subject[:500], request.state.request_id)

    def work(store: Store) -> None:
        store.api_keys.note(entry)

    await services_of(request).in_store(work)


PAGES = (
    Page("/imports", page),
    Page("/imports/upload", upload, Role.MANAGER, post=True, files=True),
    Page("/imports/preview", preview, Role.MANAGER),
    Page("/imports/progress", progress, Role.MANAGER),
    Page("/imports/table", table, Role.MANAGER, post=True),
    Page("/imports/start", start, Role.MANAGER, post=True),
    Page("/imports/discard", discard, Role.MANAGER, post=True),
)
TABLES: tuple[TableSpec, ...] = ()
