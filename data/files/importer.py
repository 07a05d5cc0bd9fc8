"""Files into the store: good rows go in, bad rows are listed, and running it again changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import GongxuError, ImportStoppedError, InputError
from data.files.batches.apart import reading
from data.files.batches.tables import Batch, ReadyRow
from data.files.rejects import RejectsFile
from data.files.report import NAMED, FileResult, ImportSummary
from data.files.sources import ImportOptions, Source, find_sources
from data.files.synonyms import FileKind
from data.files.table_kinds import DeclaredKind
from data.records import RecordKind
from data.settings import settings
from data.store.imports.log import GivenRow, ImportedKindRecord, Written
from data.store.store import Store

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
    apart: bool = False,
) -> ImportSummary:
    """Import files and folders: achievements first, then demands, events and judgements.

    Rows go in by batches of one transaction each, so that an interrupted import leaves whole batches, and running it
    again completes it. Of a folder the files directly in it are read. `kind` overrules what names and headers tell;
    `rejects` is the folder for lists of rejected and noted rows (default: `rejects` in GONGXU_HOME). The report is kept in
    the store under `actor`. With `apart` a process of its own reads large files while this one writes.

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
    summary = import_sources(store, sources, number, folder, progress, replace=chosen.replace, apart=apart)
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
    apart: bool = False,
) -> ImportSummary:
    """Import tables in the given order as the import `number`, which was started; started again it completes.

    `rejects` is the folder for lists of rejected and noted rows. What `progress` raises ends the import between two
    batches, which are whole. With `apart` a process of its own reads large files while this one writes.

    Raises:
        InputError: a file is gone or cannot be read any more, before anything is written.
        StoreError: the store fails before anything is written.
        ImportStoppedError: the store or a file fails after some rows were written.

    """
    results: list[FileResult] = []
    try:
        with reading(sources, apart=apart) as read:
            for source in sources:
                task = _TableImport(store, source, number, replace=replace)
                results.append(task.result)
                with closing(read(source)) as batches:
                    task.run(rejects, batches, progress)
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

    def run(self, folder: Path, batches: Iterator[Batch], progress: Progress | None) -> None:
        """Write the table's batches and list its rejected and noted rows in `folder`."""
        source, result = self._source, self.result
        rejects = RejectsFile(folder, source.path, source.sheet or "")
        notes = RejectsFile(folder, source.path, source.sheet or "", suffix="-notes")
        try:
            for batch in batches:
                for name, value in batch.report.items():
                    setattr(result, name, value)
                for file, listed in ((rejects, batch.rejects), (notes, batch.notes)):
                    if listed:
                        file.write(listed)
                if batch.rows:
                    self._write(batch.rows)
                    if progress:
                        progress(source.path, batch.done)
            result.rejects_file, result.notes_file = rejects.publish(), notes.publish()
        finally:
            rejects.discard()
            notes.discard()
        if progress:
            progress(source.path, 1.0)

    def _write(self, batch: list[ReadyRow]) -> None:
        """Write one batch and count inserted, updated and unchanged rows."""
        imports = self._store.imports
        if isinstance(self._source.kind, DeclaredKind):
            of_kind = [row for row in batch if isinstance(row, ImportedKindRecord)]
            self._count(imports.write_kind(self._number, self._source.kind.value, of_kind, replace=self._replace))
            return
        if self._source.kind in (FileKind.ACHIEVEMENTS, FileKind.DEMANDS):
            rows = [row for row in batch if isinstance(row, GivenRow)]
            kind: RecordKind = "achievements" if self._source.kind is FileKind.ACHIEVEMENTS else "demands"
            self._count(imports.write_rows(self._number, kind, rows, replace=self._replace))
            return
        self._append([row for row in batch if isinstance(row, dict)])

    def _append(self, events: list[dict[str, Any]]) -> None:
        """Write a batch of events; count them, and those that name unknown records."""
        result = self.result
        counts = self._store.imports.append_rows(self._number, events)
        result.inserted += counts.added
        result.unchanged += counts.known
        result.conflicting += counts.conflicting
        demands, achievements = self._store.imports.unknown_ids(
            (event["demand_id"] for event in events), (event["achievement_id"] for event in events)
        )
        if demands or achievements:
            result.unknown_demands += sum(event["demand_id"] in demands for event in events)
            result.unknown_achievements += sum(event["achievement_id"] in achievements for event in events)
            named = dict.fromkeys([*result.unknown_named, *sorted(demands), *sorted(achievements)])
            result.unknown_named = list(named)[:NAMED]

    def _count(self, written: Written) -> None:
        """Count the outcome of a batch of records."""
        self.result.inserted += written.inserted
        self.result.updated += written.updated
        self.result.unchanged += written.unchanged
        self.result.changed_fields.update(written.fields)
