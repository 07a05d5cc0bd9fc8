"""Files into the store: good rows go in, bad rows are listed, and running it again changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.files.headers import FileKind, columns_of, kind_of
from data.files.readers import SUFFIXES, Table, open_table
from data.files.rejects import Reject, RejectsFile
from data.files.rows import Parsed, RowReader
from data.records import OutcomeEvent
from data.settings import settings
from data.store.store import BATCH, Store
from data.text.normalise import looks_garbled

# Called after every batch with the file and the share of it that is done, 0-1.
Progress = Callable[[Path, float], None]

_KIND_ORDER = list(FileKind)


@dataclass(frozen=True)
class Source:
    """A file that can be imported, and as what."""

    path: Path
    kind: FileKind


@dataclass
class FileResult:
    """What became of one file's rows; for events `inserted` means added and `unchanged` known.

    `conflicting` events had a known id but other content and were ignored. `garbled` rows look as if they had been
    read in a wrong encoding somewhere before; they went in.
    """

    path: Path
    kind: FileKind
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicting: int = 0
    garbled: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    rejects_file: Path | None = None
    note: str = ""


@dataclass(frozen=True)
class ImportSummary:
    """What became of an import: one result for each file, and the files of a folder that were left alone."""

    files: tuple[FileResult, ...]
    ignored: tuple[Path, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when every row went in, 3 when some were rejected or conflict with what is known."""
        return 3 if any(result.rejected or result.conflicting for result in self.files) else 0


def import_paths(
    store: Store,
    paths: Sequence[Path],
    kind: FileKind | None = None,
    progress: Progress | None = None,
    rejects: Path | None = None,
) -> ImportSummary:
    """Import files and folders: achievements first, then demands, events and judgements.

    Rows go in by batches of one transaction each, so that an interrupted import leaves whole batches, and running it
    again completes it. Of a folder the files directly in it are read. `kind` overrules what names and headers tell;
    `rejects` is the folder for lists of rejected rows (default: `rejects` in GONGXU_HOME).

    Raises:
        InputError: a path is missing, or a file is empty, unreadable or of no recognisable kind. All files are looked
            at before anything is written.
        StoreError: the store fails.

    """
    sources, ignored = find_sources(paths, kind)
    folder = rejects if rejects is not None else settings().home / "rejects"
    return ImportSummary(tuple(_import_file(store, source, folder, progress) for source in sources), ignored)


def find_sources(paths: Sequence[Path], kind: FileKind | None = None) -> tuple[list[Source], tuple[Path, ...]]:
    """Return the files to import in their order, and the files of folders that hold nothing recognisable.

    Raises:
        InputError: see `import_paths`.

    """
    if not paths:
        raise InputError("nothing to import; name a file or folder")
    sources: dict[Path, Source] = {}
    ignored = []
    for path in paths:
        if not path.is_dir():
            if source := _source(path, kind, required=True):
                sources[path.resolve()] = source
            continue
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        found = [_source(file, kind, required=False) for file in files]
        if not any(found):
            raise InputError(
                f"{path}: no recognisable file; expected e.g. achievements.csv, demands.csv, events.jsonl or "
                f"judgements.csv ({', '.join(SUFFIXES)}), or use --kind"
            )
        sources |= {source.path.resolve(): source for source in found if source}
        ignored += [file for file, source in zip(files, found, strict=True) if source is None]
    return sorted(sources.values(), key=lambda source: _KIND_ORDER.index(source.kind)), tuple(ignored)


def _source(path: Path, kind: FileKind | None, *, required: bool) -> Source | None:
    """Look at a file's headers and tell what it is; None for an unrecognisable one that is not required."""
    with open_table(path) as table:
        found = kind or kind_of(path, table.headers)
        if found is None:
            if not required:
                return None
            raise InputError(
                f"{path}: neither name nor columns tell what it holds ({', '.join(table.headers)[:200]}); "
                f"use --kind {'|'.join(FileKind)}"
            )
        columns_of(table.headers, found, str(path))
    return Source(path, found)


def _import_file(store: Store, source: Source, folder: Path, progress: Progress | None) -> FileResult:
    """Import one file batch by batch."""
    result = FileResult(source.path, source.kind)
    rejects = RejectsFile(folder, source.path)
    try:
        with open_table(source.path) as table:
            result.note = table.note
            reader = RowReader(table.headers, source.kind, str(source.path))
            for batch in _batches(_good_rows(table, reader, rejects, result)):
                _write(store, source.kind, batch, result)
                if progress:
                    progress(source.path, table.done())
        result.unknown_columns = list(reader.unknown_headers)
        result.rejects_file = rejects.publish()
    finally:
        rejects.discard()
    if progress:
        progress(source.path, 1.0)
    return result


def _good_rows(table: Table, reader: RowReader, rejects: RejectsFile, result: FileResult) -> Iterator[Parsed]:
    """Yield the rows that can go in; list and count the others."""
    for number, cells, problem in table.rows:
        result.read += 1
        parsed = [Reject(number, "", "", problem)] if problem else reader.read(number, cells)
        if isinstance(parsed, list):
            result.rejected += 1
            rejects.write(parsed)
            continue
        if not isinstance(parsed, OutcomeEvent):
            result.garbled += looks_garbled(parsed.title) or looks_garbled(parsed.content[:200])
        yield parsed


def _write(store: Store, kind: FileKind, batch: list[Any], result: FileResult) -> None:
    """Write one batch and count what became of it."""
    if kind in (FileKind.ACHIEVEMENTS, FileKind.DEMANDS):
        upsert: Callable[[Iterable[Any]], Any] = (
            store.upsert_achievements if kind is FileKind.ACHIEVEMENTS else store.upsert_demands
        )
        counts = upsert(batch)
        result.inserted += counts.inserted
        result.updated += counts.updated
        result.unchanged += counts.unchanged
    else:
        events = store.append_events(batch)
        result.inserted += events.added
        result.unchanged += events.known
        result.conflicting += events.conflicting


def _batches(rows: Iterator[Parsed]) -> Iterator[list[Parsed]]:
    """Cut rows into transactions."""
    batch: list[Parsed] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
