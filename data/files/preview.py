"""What an import would do, before anything is written: what each column was taken for, and what would be refused and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as made
from itertools import islice
from pathlib import Path

from data.files.cells.text import written
from data.files.headers import ROW_NUMBER, Column
from data.files.kind_rows import reader_of
from data.files.reading.readers import open_tables
from data.files.rejects import Reject
from data.files.rows import RowReader
from data.files.sources import ImportOptions, Source, find_sources
from data.files.table_kinds import TableKind, headers_of, keeps_unknown

EXAMPLES = 3
NAMED = 20
ROWS = 20_000
"""Rows that a preview reads of a table."""


@dataclass
class ColumnPreview:
    """One column: its field ("" for none), how that was found, examples, and how many cells could not be read."""

    header: str
    field: str
    label: str
    how: str
    examples: list[str] = made(default_factory=list)
    unread: int = 0


@dataclass
class TablePreview:
    """One table: its columns, how many of its rows would go in, be skipped or refused, and the first of those."""

    path: Path
    kind: TableKind
    sheet: str
    headers: tuple[str, ...]
    columns: list[ColumnPreview]
    read: int = 0
    good: int = 0
    skipped: int = 0
    rejected: int = 0
    complete: bool = True
    notes: list[str] = made(default_factory=list)
    reasons: Counter[str] = made(default_factory=Counter)
    problems: list[Reject] = made(default_factory=list)
    remarks: list[Reject] = made(default_factory=list)


@dataclass(frozen=True)
class ImportPreview:
    """All tables that would be read, and the files that would be left alone with the reason."""

    tables: tuple[TablePreview, ...]
    ignored: tuple[tuple[Path, str], ...] = ()


def preview_paths(paths: Sequence[Path], options: ImportOptions, rows: int = ROWS) -> ImportPreview:
    """Return what importing the files would do; at most `rows` rows of each table are read.

    Raises:
        InputError: as for `import_paths`.

    """
    sources, ignored = find_sources(paths, options)
    return ImportPreview(tuple(_preview(source, rows) for source in sources), tuple(ignored))


def _preview(source: Source, rows: int) -> TablePreview:
    with open_tables(source.path, source.sheet, source.header_row) as (table, *_):
        reader = reader_of(table.headers, source.kind, str(source.path), mapping=source.mapping)
        columns = {column.header: _column(column, source.kind) for column in reader.columns.values()}
        result = TablePreview(source.path, source.kind, source.sheet or "", table.headers, [], notes=list(table.notes))
        if reader.makes_ids:
            result.notes.append("没有编号列，编号将由单位和名称生成，再次导入时不变")
        for row in islice(table.rows, rows):
            result.read += 1
            if row.skipped:
                result.skipped += 1
                result.remarks.append(Reject(row.number, "", "", row.skipped))
                continue
            problems = [Reject(row.number, "", "", row.problem)] if row.problem else []
            if not problems:
                read = reader.read(row.number, row.cells)
                problems = read.problems
                _take(columns, row.cells, reader, source.kind)
                for note in [*read.notes, *problems]:
                    if note.column in columns:
                        columns[note.column].unread += 1
                result.remarks += read.notes
            if row.note:
                result.remarks.append(Reject(row.number, "", "", row.note))
            if problems:
                result.rejected += 1
                result.reasons.update(problem.reason for problem in problems)
                result.problems += problems
            else:
                result.good += 1
            del result.problems[NAMED:], result.remarks[NAMED:]
        result.complete = next(iter(table.rows), None) is None
        result.columns = list(columns.values())
    return result


def _take(columns: dict[str, ColumnPreview], cells: dict[str, object], reader: RowReader, kind: TableKind) -> None:
    """Take in the examples of a row."""
    for header, cell in cells.items():
        if header not in columns and header in reader.columns:
            columns[header] = _column(reader.columns[header], kind)
        shown = columns.get(header)
        if shown is not None and len(shown.examples) < EXAMPLES:
            text = " ".join(written(cell).split())[:40]
            if text and text not in shown.examples:
                shown.examples.append(text)


def _column(column: Column, kind: TableKind) -> ColumnPreview:
    if column.field is None:
        how = {ROW_NUMBER: "行号，不读取", "given": "按指定不读取"}.get(
            column.how, "原样保留" if keeps_unknown(kind) else "忽略"
        )
        return ColumnPreview(column.header, "", "", how)
    how = {"similar": "相近", "given": "指定"}.get(column.how, "列名")
    return ColumnPreview(
        column.header, column.field, headers_of(kind)[column.field].split()[0], f"{how}，备用" if column.spare else how
    )
