"""A table as batches of rows ready to be written, with what was noticed while they were read."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from data.files.kind_rows import reader_of
from data.files.reading.readers import open_tables
from data.files.reading.rows import Table
from data.files.rejects import Reject
from data.files.report import FileResult
from data.files.rows import ReadRow, RowReader
from data.files.seen import SeenIds
from data.files.sources import Source
from data.files.synonyms import FileKind
from data.kinds.record import KindRecord
from data.records import OutcomeEvent
from data.store.imports.appending import event_row
from data.store.imports.log import GivenRow, ImportedKindRecord, record_row
from data.store.upserts import BATCH, EVENT_BATCH
from data.text.normalise import looks_garbled

ReadyRow = GivenRow | ImportedKindRecord | dict[str, Any]
"""A record as the store takes it, or an event's columns."""

_LISTED = 2_000  # rejects and notes that are handed on before their batch is full
# What a report says of how a table was read; the rest of it is about writing.
_OF_READING = ("read", "repeated", "skipped", "rejected", "noted", "garbled", "columns", "unknown_columns", "notes")


@dataclass
class Batch:
    """Rows for one transaction, none where only lists are handed on, and the rejects and notes since the last batch.

    `report` is what the table's report says of reading so far, `done` the share of the table that is read, 0-1.
    """

    rows: list[ReadyRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Reject] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    done: float = 0.0


def read_batches(source: Source, seen: SeenIds) -> Generator[Batch, None, None]:
    """Yield a table in batches, the last with what is known at the end; `seen` are the ids of the file's earlier tables.

    Raises:
        InputError: the file cannot be read.

    """
    result = FileResult(source.path, source.kind, source.sheet or "")
    most = EVENT_BATCH if source.kind in (FileKind.EVENTS, FileKind.JUDGEMENTS) else BATCH
    with open_tables(source.path, source.sheet, source.header_row) as (table, *_):
        reader = reader_of(
            table.headers, source.kind, str(source.path), mapping=source.mapping, seen=seen, sheet=source.sheet or ""
        )
        result.notes += _described(source, table, reader)
        batch = Batch()
        for read in _good_rows(table, reader, result, batch):
            if read is not None:
                batch.rows.append(_ready(read))
            if len(batch.rows) == most:
                yield _handed_on(batch, table, result)
                batch.rows = []
            elif len(batch.rejects) + len(batch.notes) >= _LISTED:
                rows, batch.rows = batch.rows, []
                yield _handed_on(batch, table, result)
                batch.rows = rows
        result.unknown_columns = list(reader.unknown_headers)
        result.columns = {c.header: str(c.field) for c in reader.columns.values() if c.field}
        yield _handed_on(batch, table, result)


def _handed_on(batch: Batch, table: Table, result: FileResult) -> Batch:
    """Return a copy of a batch with the report so far, and empty its lists of rejects and notes."""
    report = {name: getattr(result, name) for name in _OF_READING}
    copy = Batch(batch.rows, batch.rejects.copy(), batch.notes.copy(), report, table.done())
    batch.rejects.clear()
    batch.notes.clear()
    return copy


def _described(source: Source, table: Table, reader: RowReader) -> list[str]:
    """Return notes on what is not obvious about how the table is read."""
    notes = list(table.notes)
    if reader.makes_ids:
        notes.append("没有编号列，编号由单位和名称生成，再次导入时不变")
    similar = [f"{c.header}→{c.field}" for c in reader.columns.values() if c.how == "similar"]
    if similar:
        notes.append(f"按相近的列名识别：{'、'.join(similar)}（不对时用 --map 列=字段 改正）")
    if source.mapping_name:
        notes.append(f"使用已保存的列对应“{source.mapping_name}”")
    return notes


def _good_rows(table: Table, reader: RowReader, result: FileResult, batch: Batch) -> Iterator[ReadRow | None]:
    """Yield the rows that can go in, None for the others; list these in `batch` and count them."""
    for number, cells, problem, note, skipped in table.rows:
        result.read += 1
        if skipped:
            result.skipped += 1
            first = next((str(cell) for cell in cells.values() if cell is not None and str(cell).strip()), "")
            batch.notes.append(Reject(number, "", first, skipped))
            yield None
            continue
        read = ReadRow(problems=[Reject(number, "", "", problem)]) if problem else reader.read(number, cells)
        if read.problems:
            result.rejected += 1
            batch.rejects += [*read.problems, *([Reject(number, "", "", note)] if note else [])]
            yield None
            continue
        if note:
            read.notes.append(Reject(number, "", "", note))
        if read.notes:
            result.noted += 1
            batch.notes += read.notes
        if read.repeated:
            result.repeated += 1
            yield None
            continue
        parsed = read.parsed
        if parsed is not None and not isinstance(parsed, OutcomeEvent):
            result.garbled += looks_garbled(parsed.title) or looks_garbled(parsed.content[:200])
        yield read


def _ready(read: ReadRow) -> ReadyRow:
    """Return a row as the store takes it.

    Raises:
        TypeError: the row holds nothing, which rows without problems never do.

    """
    parsed = read.parsed
    if isinstance(parsed, OutcomeEvent):
        return event_row(parsed)
    if isinstance(parsed, KindRecord):
        return ImportedKindRecord(parsed, read.given, read.given_extra)
    if parsed is None:
        raise TypeError("a row without problems holds no record")
    return GivenRow(record_row(parsed), read.given, read.given_extra)
