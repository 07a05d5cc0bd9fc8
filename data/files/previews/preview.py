"""What an import would do, before anything is written: what each column was taken for, and what would be refused and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from itertools import islice
from pathlib import Path

from data.files.cells.text import written
from data.files.headers import IGNORED, ROW_NUMBER, Column
from data.files.kind_rows import reader_of
from data.files.reading.readers import open_tables
from data.files.rejects import Reject
from data.files.sources import ImportOptions, Source, find_sources
from data.files.table_kinds import TableKind, headers_of, keeps_unknown

EXAMPLES = 3
NAMED = 20
ROWS = 20_000
"""Rows that a preview reads of a table."""


@dataclass
class ColumnPreview:
    """One column: its field ("" for none), how that was found, examples, and how many cells could not be read.

    `given` tells that a mapping says so, not the header.
    """

    header: str
    field: str
    label: str
    how: str
    examples: list[str] = made(default_factory=list)
    unread: int = 0
    given: bool = False


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
    return ImportPreview(tuple(preview_source(source, rows) for source in sources), tuple(ignored))


def mapping_of(columns: Sequence[ColumnPreview]) -> dict[str, str]:
    """Return the mapping that a preview's columns show, to be saved: fields by header, `-` for what is left out."""
    return {column.header: column.field or IGNORED for column in columns if column.field or column.given}


def preview_source(source: Source, rows: int = ROWS) -> TablePreview:
    """Return what importing one table would do; at most `rows` of its rows are read.

    Raises:
        InputError: as for `import_paths`.

    """
    with open_tables(source.path, source.sheet, source.header_row) as (table, *_):
        reader = reader_of(table.headers, source.kind, str(source.path), mapping=source.mapping)
        columns = {column.header: column_preview(column, source.kind) for column in reader.columns.values()}
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
                take_examples(columns, row.cells, reader.columns, source.kind)
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


def take_examples(
    columns: dict[str, ColumnPreview], cells: Mapping[str, object], known: Mapping[str, Column], kind: TableKind
) -> None:
    """Take the cells of a row into the examples of its columns; a column of `known` that is new is added."""
    for header, cell in cells.items():
        if header not in columns and header in known:
            columns[header] = column_preview(known[header], kind)
        shown = columns.get(header)
        if shown is not None and len(shown.examples) < EXAMPLES:
            text = " ".join(written(cell).split())[:40]
            if text and text not in shown.examples:
                shown.examples.append(text)


def column_preview(column: Column, kind: TableKind) -> ColumnPreview:
    """Return what a preview says of a column, without examples yet."""
    given = column.how == "given"
    if column.field is None:
        how = {ROW_NUMBER: "行号，不读取", "given": "按指定不读取"}.get(
            column.how, "原样保留" if keeps_unknown(kind) else "忽略"
        )
        return ColumnPreview(column.header, "", "", how, given=given)
    how = {"similar": "相近", "given": "指定"}.get(column.how, "列名")
    label = headers_of(kind)[column.field].split()[0]
    return ColumnPreview(column.header, column.field, label, f"{how}，备用" if column.spare else how, given=given)
