"""Which files an import reads, and as what: all are looked at before anything is written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.errors import InputError
from data.files.headers import columns_of, kind_of
from data.files.mappings import Mapping, find_mapping
from data.files.reading.readers import SUFFIXES, open_tables
from data.files.reading.rows import Table
from data.files.synonyms import FileKind
from data.files.table_kinds import TableKind, declared_kinds

# A folder's texts and web pages are there for people to read, unless somebody names them.
_BY_NAME_ONLY = frozenset({".txt", ".html", ".htm"})


@dataclass(frozen=True)
class ImportOptions:
    """How files are read: what overrules names and headers.

    `mapping` (header: field) tells what columns mean, `sheet` and `header_row` where the table is; `replace` empties fields
    that a file lacks; `mappings` is the folder of saved mappings.
    """

    kind: TableKind | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    sheet: str | None = None
    header_row: int | None = None
    replace: bool = False
    mappings: Path | None = None


@dataclass(frozen=True)
class Source:
    """A table that can be imported: the file, its sheet (None: its only table), as what, with which mapping."""

    path: Path
    kind: TableKind
    sheet: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    mapping_name: str = ""
    header_row: int | None = None


def find_sources(paths: Sequence[Path], options: ImportOptions) -> tuple[list[Source], list[tuple[Path, str]]]:
    """Return the tables to import in their order, and the files that were left alone with the reason.

    Of a folder the files directly in it are read; what is hidden, locked, unreadable or unrecognisable is left alone.

    Raises:
        InputError: nothing is named, a path is missing, or a file that is named is empty, unreadable or of no
            recognisable kind.

    """
    if not paths:
        raise InputError("nothing to import; name a file or folder", "没有可导入的内容，请给出文件或文件夹")
    sources: dict[tuple[Path, str | None], Source] = {}
    ignored: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            found, left = _in_folder(path, options)
            ignored += left
        else:
            found = sources_in(path, options)
        sources |= {(source.path.resolve(), source.sheet): source for source in found}
    return sorted(sources.values(), key=lambda source: place_of(source.kind)), ignored


def place_of(kind: TableKind) -> int:
    """Return the place of a kind in the order of import: records before what names them."""
    return list(FileKind).index(kind) if isinstance(kind, FileKind) else -1


def sources_in(path: Path, options: ImportOptions) -> list[Source]:
    """Return the tables of one file.

    Raises:
        InputError: it is empty, unreadable or of no recognisable kind, or lacks a column.

    """
    with open_tables(path, options.sheet, options.header_row) as tables:
        return [_source(path, table, options) for table in tables]


def _in_folder(folder: Path, options: ImportOptions) -> tuple[list[Source], list[tuple[Path, str]]]:
    found: list[Source] = []
    ignored: list[tuple[Path, str]] = []
    for file in sorted(folder.iterdir()):
        if not file.is_file():
            continue
        if reason := _junk(file):
            ignored.append((file, reason))
            continue
        if file.suffix.lower() not in SUFFIXES or file.suffix.lower() in _BY_NAME_ONLY:
            continue
        try:
            found += sources_in(file, options)
        except InputError as error:
            ignored.append((file, (error.chinese or str(error)).removeprefix(str(file)).lstrip(" :,：")))
    if not found:
        reasons = "; ".join(f"{file.name}: {reason}" for file, reason in ignored[:3])
        formats = ", ".join(SUFFIXES)
        raise InputError(
            f"{folder}: no recognisable file; expected e.g. achievements.csv, demands.csv, events.jsonl or "
            f"judgements.csv ({formats}), or use --kind{f' ({reasons})' if reasons else ''}",
            f"{folder}：没有可识别的文件；文件名如 成果.csv、需求.xlsx、事件.jsonl、评分.csv（{formats}），"
            f"或用 --kind 指明种类{f'（{reasons}）' if reasons else ''}",
        )
    return found, ignored


def _junk(file: Path) -> str:  # noqa: PLR0911 - one return for each kind of file
    """Return why a file of a folder is none that anybody means to import, "" if it may be."""
    name = file.name
    if name.startswith("~$") or (name.startswith(".~lock.") and name.endswith("#")):
        return "表格软件的锁文件"
    if name.startswith("._"):
        return "macOS 的附属文件"
    if name.startswith("."):
        return "隐藏文件"
    if (
        name.lower() in ("thumbs.db", "desktop.ini")
        or name.startswith("~")
        or name.lower().endswith((".tmp", ".bak", ".partial"))
    ):
        return "临时文件"
    if file.suffix.lower() in SUFFIXES:
        if not os.access(file, os.R_OK):
            return "没有读取权限"
        if file.stat().st_size == 0:
            return "空文件"
    return ""


def _source(path: Path, table: Table, options: ImportOptions) -> Source:
    """Tell what a table is and check its columns."""
    saved: Mapping | None = None
    if options.mappings is not None and not options.mapping:
        saved = find_mapping(options.mappings, table.headers)
    mapping = options.mapping or (saved.fields if saved else {})
    found = options.kind or (saved.kind if saved else None) or kind_of(path, table.headers, table.sheet)
    source = f"{path} [{table.sheet}]" if table.sheet else str(path)
    if found is None:
        kinds = "|".join([*FileKind, *(kind.value for kind in declared_kinds())])
        raise InputError(
            f"{source}: neither name nor columns tell what it holds ({', '.join(table.headers)[:200]}); "
            f"use --kind {kinds}",
            f"{source}：从名称和列都看不出是什么（{'、'.join(table.headers)[:200]}）；用 --kind {kinds} 指明",
        )
    mine = {header: name for header, name in mapping.items() if header in table.headers} if saved else mapping
    columns_of(table.headers, found, source, mine)
    name = saved.name if saved else ""
    return Source(path, found, table.sheet or options.sheet, mine, name, options.header_row)
