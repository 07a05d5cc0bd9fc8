"""An import being prepared: what each table of a file is taken for, to be corrected before anything is written."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data.errors import ConflictError, InputError
from data.files.headers import Column, columns_of, kind_of
from data.files.mappings import find_mapping, shape_of
from data.files.previews.preview import ColumnPreview, TablePreview, column_preview, preview_source, take_examples
from data.files.reading.readers import open_tables, sheet_names
from data.files.reading.rows import Table
from data.files.rejects import Reject
from data.files.sources import Source
from data.files.synonyms import FileKind
from data.files.table_kinds import headers_of, kind_named

ROWS = 5_000
"""Rows of a table that are looked at; what a page that waits for it can bear."""
MAX_COLUMNS = 150
"""Columns of a table that are shown and can be corrected; the others are read as their headers say."""
_SKETCHED = 20
_REASONS = 10
_VALUE = 120


class DraftPreview(BaseModel):
    """What was seen of a table, as `TablePreview` says it; of long values the beginning, of reasons the most frequent."""

    model_config = ConfigDict(frozen=True)

    headers: tuple[str, ...]
    columns: tuple[ColumnPreview, ...]
    read: int = 0
    good: int = 0
    skipped: int = 0
    rejected: int = 0
    complete: bool = True
    notes: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    problems: tuple[Reject, ...] = ()
    remarks: tuple[Reject, ...] = ()

    @classmethod
    def of(cls, seen: TablePreview) -> "DraftPreview":
        """Return what a page has room for."""
        return cls(
            headers=seen.headers,
            columns=tuple(seen.columns),
            read=seen.read,
            good=seen.good,
            skipped=seen.skipped,
            rejected=seen.rejected,
            complete=seen.complete,
            notes=tuple(seen.notes),
            reasons=tuple(seen.reasons.most_common(_REASONS)),
            problems=tuple(replace(one, value=one.value[:_VALUE]) for one in seen.problems),
            remarks=tuple(replace(one, value=one.value[:_VALUE]) for one in seen.remarks),
        )


class TableDraft(BaseModel):
    """One table: where it is, the kind and mapping it would be read with, and its preview.

    `kind` is the name of a kind, "" where nothing tells what the table holds; `mapping` (header: field, `-` for none)
    overrules headers and was found saved as `mapping_name` ("": it was not). `problem` says in Chinese why the table cannot
    be imported as it is; its `preview` then has columns and examples, but no counts. `sheets` are those that the file has
    to choose from.
    """

    model_config = ConfigDict(frozen=True)

    sheet: str = ""
    sheets: tuple[str, ...] = ()
    kind: str = ""
    header_row: int | None = None
    mapping: dict[str, str] = {}
    mapping_name: str = ""
    included: bool = True
    problem: str = ""
    preview: DraftPreview | None = None

    @property
    def version(self) -> str:
        """Digest of headers and kind: a form that was made for others does not fit."""
        return shape_of([*(self.preview.headers if self.preview else ()), f"kind:{self.kind}"])[:16]

    def require_version(self, version: str) -> None:
        """Refuse what was chosen for a table that looked otherwise.

        Raises:
            ConflictError: the draft has other headers or another kind than the one that had this version.

        """
        if version != self.version:
            raise ConflictError("the table was changed meanwhile; look at it again", "这个表刚被改动过，请重新核对")


def drafts_of(path: Path, mappings: Path | None = None) -> list[TableDraft]:
    """Return a draft for each table of a file; `mappings` is the folder of saved mappings.

    Raises:
        InputError: the file is empty, unreadable or damaged.

    """
    with open_tables(path) as tables:
        found = [table.sheet for table in tables]
    names = sheet_names(path)
    return [looked_at(path, TableDraft(sheet=sheet, sheets=names), mappings) for sheet in found]


def looked_at(path: Path, draft: TableDraft, mappings: Path | None = None) -> TableDraft:
    """Return a draft with what its table shows, read as the draft says.

    An unknown kind is recognised by name and headers; where `mappings` is given and the draft has no mapping, the one
    that was saved for the headers is taken.
    """
    try:
        with open_tables(path, draft.sheet or None, draft.header_row) as (table, *_):
            draft = _recognised(path, table, draft, mappings)
            problem, columns = _columns(table, draft)
            if problem:
                return draft.model_copy(update={"problem": problem, "preview": _sketch(table, draft, columns)})
        preview = DraftPreview.of(preview_source(source_of(path, draft), ROWS))
    except InputError as error:
        return draft.model_copy(update={"problem": reason_of(error, path), "preview": None})
    return draft.model_copy(update={"problem": "", "preview": preview})


def reason_of(error: InputError, path: Path | None = None) -> str:
    """Return what a page says of a file that cannot be read: not where it lies, nor what to type in a command line."""
    text = error.chinese or str(error)
    if path is not None:
        text = text.replace(str(path), "").replace(f"{path.parent}/", "")
    return "；".join(part for part in text.lstrip(" ：:").split("；") if "--" not in part)


def source_of(path: Path, draft: TableDraft) -> Source:
    """Return what is to be imported.

    Raises:
        InputError: the draft has a problem.

    """
    if draft.problem or not draft.kind:
        raise InputError(f"{path.name} cannot be imported as it is", f"“{path.name}”还不能导入：{draft.problem}")
    kind = kind_named(draft.kind)
    return Source(path, kind, draft.sheet or None, draft.mapping, draft.mapping_name, draft.header_row)


def _recognised(path: Path, table: Table, draft: TableDraft, mappings: Path | None) -> TableDraft:
    saved = find_mapping(mappings, table.headers) if mappings is not None and not draft.mapping else None
    if saved is not None:
        known = {header: name for header, name in saved.fields.items() if header in table.headers}
        kind_name = draft.kind or saved.kind.value
        draft = draft.model_copy(update={"kind": kind_name, "mapping": known, "mapping_name": saved.name})
    kind = kind_named(draft.kind) if draft.kind else kind_of(path, table.headers, table.sheet)
    fields = headers_of(kind) if kind else {}
    fits = {h: name for h, name in draft.mapping.items() if h in table.headers and (name in fields or name == "-")}
    return draft.model_copy(update={"kind": kind.value if kind else "", "mapping": fits, "problem": ""})


def _columns(table: Table, draft: TableDraft) -> tuple[str, list[Column]]:
    """Return what is wrong with the columns ("": nothing), and the columns as far as they are known."""
    unknown = [Column(header, None) for header in table.headers]
    if not draft.kind:
        return "从名称和列名看不出这是成果、需求、事件、评分还是别的记录；请选择种类", unknown
    kind = kind_named(draft.kind)
    try:
        return "", columns_of(table.headers, kind, "", draft.mapping)
    except InputError as error:
        problem = reason_of(error)
    try:
        return problem, columns_of(table.headers, kind, "", draft.mapping, complete=False)
    except InputError:
        return problem, unknown


def _sketch(table: Table, draft: TableDraft, columns: list[Column]) -> DraftPreview:
    """Return columns and examples of a table that cannot be read as a whole yet."""
    kind = kind_named(draft.kind) if draft.kind else FileKind.ACHIEVEMENTS
    shown: dict[str, ColumnPreview] = {column.header: column_preview(column, kind) for column in columns}
    for row in islice(table.rows, _SKETCHED):
        take_examples(shown, row.cells, {}, kind)
    return DraftPreview(headers=table.headers, columns=tuple(shown.values()), notes=table.notes)
