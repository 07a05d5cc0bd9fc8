"""Files into the store: good rows go in, bad rows are listed, and running it again changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from data.errors import GongxuError, ImportStoppedError, InputError
from data.files.kind_rows import reader_of
from data.files.reading.readers import open_tables
from data.files.reading.rows import Table
from data.files.rejects import Reject, RejectsFile
from data.files.report import NAMED, FileResult, ImportSummary
from data.files.rows import ReadRow, RowReader
from data.files.seen import SeenIds
from data.files.sources import ImportOptions, Source, find_sources
from data.files.synonyms import FileKind
from data.files.table_kinds import DeclaredKind
from data.kinds.record import KindRecord
from data.records import Achievement, Demand, OutcomeEvent
from data.settings import settings
from data.store.imports.log import ImportedKindRecord, ImportedRecord, Written
from data.store.store import Store
from data.store.upserts import BATCH
from data.text.normalise import looks_garbled

# Called after every batch with the file and the share of it that is done, 0-1.
Progress = Callable[[Path, float], None]

__all__ = ["FileResult", "ImportOptions", "ImportSummary", "Source", "find_sources", "import_paths", "import_sources"]


def import_paths(
    store: Store,
    paths: Sequence[Path],
    kind: FileKind | None = None,
    progress: Progress | None = None,
    rejects: Path | None = None,
    *,
    options: ImportOptions | None = None,
    actor: str = "命令行",
) -> ImportSummary:
    """Import files and folders: achievements first, then demands, events and judgements.

    Rows go in by batches of one transaction each, so that an interrupted import leaves whole batches, and running it
    again completes it. Of a folder the files directly in it are read. `kind` overrules what names and headers tell;
    `rejects` is the folder for lists of rejected and noted rows (default: `rejects` in GONGXU_HOME). The report is kept in
    the store under `actor`.

    Raises:
        InputError: a path is missing, or a file is empty, unreadable or of no recognisable kind. All files are looked
            at before anything is written.
        StoreError: the store fails before anything is written.
        ImportStoppedError: the store or a file fails after some rows were written.

    """
    chosen = options or ImportOptions(kind=kind)
    sources, ignored = find_sources(paths, chosen)
    folder = rejects if rejects is not None else settings().home / "rejects"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"{folder}: lists of rejected rows cannot be kept there: {reason}",
            f"{folder}：无法存放被拒绝行的清单：{reason}",
        ) from error
    number = store.imports.start(actor, datetime.now(UTC))
    summary = import_sources(store, sources, number, folder, progress, replace=chosen.replace)
    return replace(
        summary, ignored=tuple(path for path, _ in ignored), ignored_why=tuple(reason for _, reason in ignored)
    )


def import_sources(
    store: Store,
    sources: Sequence[Source],
    number: int,
    rejects: Path,
    progress: Progress | None = None,
    *,
    replace: bool = False,
) -> ImportSummary:
    """Import tables in the given order as the import `number`, which was started; started again it completes.

    `rejects` is the folder for lists of rejected and noted rows. What `progress` raises ends the import between two
    batches, which are whole.

    Raises:
        InputError: a file is gone or cannot be read any more, before anything is written.
        StoreError: the store fails before anything is written.
        ImportStoppedError: the store or a file fails after some rows were written.

    """
    seen: dict[Path, SeenIds] = {}
    results: list[FileResult] = []
    try:
        for source in sources:
            task = _TableImport(store, source, number, replace=replace)
            results.append(task.result)
            task.run(rejects, seen.setdefault(source.path, SeenIds()), progress)
        store.imports.finish(number, [result.as_dict() for result in results], datetime.now(UTC))
    except (GongxuError, OSError) as error:
        raise _stopped(error, number, results) from error
    return ImportSummary(tuple(results), number=number)


def _stopped(error: GongxuError | OSError, number: int, results: list[FileResult]) -> GongxuError:
    """Return the error for an import that cannot go on: as it came where nothing was written, else with what was."""
    failure = error if isinstance(error, GongxuError) else InputError(str(error), str(error))
    written = sum(result.inserted + result.updated for result in results)
    if not written:
        return failure
    read = ", ".join(f"{result.path.name}: {result.inserted + result.updated:,}" for result in results)
    return ImportStoppedError(
        f"import {number} stopped: {failure}; written so far: {read}; run the same command again to complete it, "
        f"or take it back with `gongxu import --undo {number}`",
        f"导入 {number} 中断：{failure.chinese or failure}；已写入 {read}；重新运行同一命令即可补全，"
        f"或用 gongxu import --undo {number} 撤销",
    )


class _TableImport:
    """The import of one table."""

    def __init__(self, store: Store, source: Source, number: int, *, replace: bool) -> None:
        self._store, self._source, self._number, self._replace = store, source, number, replace
        self.result = FileResult(source.path, source.kind, source.sheet or "")

    def run(self, folder: Path, seen: SeenIds, progress: Progress | None) -> None:
        """Import the table batch by batch; `seen` are the ids of the file's tables before this one."""
        source, result = self._source, self.result
        rejects = RejectsFile(folder, source.path, source.sheet or "")
        notes = RejectsFile(folder, source.path, source.sheet or "", suffix="-notes")
        try:
            with open_tables(source.path, source.sheet, source.header_row) as (table, *_):
                reader = reader_of(
                    table.headers,
                    source.kind,
                    str(source.path),
                    mapping=source.mapping,
                    seen=seen,
                    sheet=source.sheet or "",
                )
                self._describe(table, reader)
                for batch in _batches(self._good_rows(table, reader, rejects, notes)):
                    self._write(batch)
                    if progress:
                        progress(source.path, table.done())
            result.unknown_columns = list(reader.unknown_headers)
            result.columns = {c.header: str(c.field) for c in reader.columns.values() if c.field}
            result.rejects_file, result.notes_file = rejects.publish(), notes.publish()
        finally:
            rejects.discard()
            notes.discard()
        if progress:
            progress(source.path, 1.0)

    def _describe(self, table: Table, reader: RowReader) -> None:
        """Say what is not obvious about how the table is read."""
        notes = self.result.notes
        notes += table.notes
        if reader.makes_ids:
            notes.append("没有编号列，编号由单位和名称生成，再次导入时不变")
        similar = [f"{c.header}→{c.field}" for c in reader.columns.values() if c.how == "similar"]
        if similar:
            notes.append(f"按相近的列名识别：{'、'.join(similar)}（不对时用 --map 列=字段 改正）")
        if self._source.mapping_name:
            notes.append(f"使用已保存的列对应“{self._source.mapping_name}”")

    def _good_rows(
        self, table: Table, reader: RowReader, rejects: RejectsFile, notes: RejectsFile
    ) -> Iterator[ReadRow]:
        """Yield the rows that can go in; list and count the others."""
        result = self.result
        for number, cells, problem, note, skipped in table.rows:
            result.read += 1
            if skipped:
                result.skipped += 1
                first = next((str(cell) for cell in cells.values() if cell is not None and str(cell).strip()), "")
                notes.write([Reject(number, "", first, skipped)])
                continue
            read = ReadRow(problems=[Reject(number, "", "", problem)]) if problem else reader.read(number, cells)
            if read.problems:
                result.rejected += 1
                rejects.write([*read.problems, *([Reject(number, "", "", note)] if note else [])])
                continue
            if note:
                read.notes.append(Reject(number, "", "", note))
            if read.notes:
                result.noted += 1
                notes.write(read.notes)
            if read.repeated:
                result.repeated += 1
                continue
            parsed = read.parsed
            if parsed is not None and not isinstance(parsed, OutcomeEvent):
                result.garbled += looks_garbled(parsed.title) or looks_garbled(parsed.content[:200])
            yield read

    def _write(self, batch: list[ReadRow]) -> None:
        """Write one batch and count inserted, updated and unchanged rows."""
        result = self.result
        if isinstance(self._source.kind, DeclaredKind):
            records = [
                ImportedKindRecord(read.parsed, read.given, read.given_extra)
                for read in batch
                if isinstance(read.parsed, KindRecord)
            ]
            kind_name = self._source.kind.value
            done = self._store.imports.write_kind(self._number, kind_name, records, replace=self._replace)
            self._count(done)
            return
        if self._source.kind in (FileKind.ACHIEVEMENTS, FileKind.DEMANDS):
            rows = [
                ImportedRecord(read.parsed, read.given, read.given_extra)
                for read in batch
                if isinstance(read.parsed, Achievement | Demand)
            ]
            kind = "achievements" if self._source.kind is FileKind.ACHIEVEMENTS else "demands"
            written = self._store.imports.write(self._number, kind, rows, replace=self._replace)  # type: ignore[arg-type]
            self._count(written)
            return
        events = [read.parsed for read in batch if isinstance(read.parsed, OutcomeEvent)]
        counts = self._store.imports.append(self._number, events)
        result.inserted += counts.added
        result.unchanged += counts.known
        result.conflicting += counts.conflicting
        demands, achievements = self._store.imports.unknown_ids(
            (event.demand_id for event in events), (event.achievement_id for event in events)
        )
        if demands or achievements:
            result.unknown_demands += sum(event.demand_id in demands for event in events)
            result.unknown_achievements += sum(event.achievement_id in achievements for event in events)
            named = dict.fromkeys([*result.unknown_named, *sorted(demands), *sorted(achievements)])
            result.unknown_named = list(named)[:NAMED]

    def _count(self, written: Written) -> None:
        """Count the outcome of a batch of records."""
        self.result.inserted += written.inserted
        self.result.updated += written.updated
        self.result.unchanged += written.unchanged
        self.result.changed_fields.update(written.fields)


def _batches(rows: Iterator[ReadRow]) -> Iterator[list[ReadRow]]:
    """Cut rows into transactions."""
    batch: list[ReadRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
