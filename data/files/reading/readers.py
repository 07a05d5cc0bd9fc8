"""File readers: text tables, workbooks, HTML, JSON Lines and Parquet as tables of rows, one at a time."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from data.errors import InputError, first_line
from data.files.reading.delimited import delimited
from data.files.reading.markup_tables import looks_like_markup, markup_tables
from data.files.reading.rows import RawSheet, Table, TableRow, empty_file
from data.files.reading.sheets import header_strength, table_of
from data.files.reading.workbooks import workbook

SUFFIXES = (
    *(".csv", ".tsv", ".txt"),
    *(".xlsx", ".xls", ".xlsm", ".xlsb", ".et", ".ods", ".html", ".htm"),
    *(".jsonl", ".ndjson", ".parquet"),
)
_BATCH = 1_000
_JSON_AHEAD = 100
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@contextmanager
def open_tables(path: Path, sheet: str | None = None, header_row: int | None = None) -> Iterator[list[Table]]:
    """Open the tables of a file for reading row by row; a file other than a workbook has one.

    `sheet` names the worksheet to read, by name or number from 1; without it those that hold a table are read.
    A file's type is detected from its content: a web page or text named .xls is read as such.

    Raises:
        InputError: the file is missing, empty, in an unknown format or encoding, or damaged.

    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; give a file or folder that exists",
            f"{path}：没有这个文件，请给出存在的文件或文件夹",
        )
    if path.stat().st_size == 0:
        raise empty_file(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path}: format {path.suffix or 'without suffix'} is not read; use {', '.join(SUFFIXES)}",
            f"{path}：不能读取{path.suffix or '没有扩展名的'}文件；可用的格式：{'、'.join(SUFFIXES)}",
        )
    try:
        if suffix in (".jsonl", ".ndjson"):
            opened: AbstractContextManager[list[Table]] = _json_lines(path)
        elif suffix == ".parquet":
            opened = _parquet(path)
        else:
            opened = _sheets(path, sheet, header_row)
        with opened as tables:
            if not any(header.strip() for table in tables for header in table.headers):
                raise empty_file(path)
            yield tables
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be read: {reason}", f"{path} 无法读取：{reason}") from error


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open the first table of a file.

    Raises:
        InputError: see `open_tables`.

    """
    with open_tables(path) as tables:
        yield tables[0]


@contextmanager
def _sheets(path: Path, wanted: str | None, header_row: int | None) -> Iterator[list[Table]]:
    """Open text, a workbook or a web page, whatever it is called."""
    with _sheet_reader(path)(path) as sheets:
        yield _chosen(path, sheets, wanted, header_row)


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the sheets among which a workbook or web page lets one choose; () where there is one table.

    Raises:
        InputError: see `open_tables`.

    """
    if path.suffix.lower() in (".jsonl", ".ndjson", ".parquet"):
        return ()
    with _sheet_reader(path)(path) as sheets:
        return tuple(sheet.name for sheet in sheets) if len(sheets) > 1 else ()


def _sheet_reader(path: Path) -> Callable[[Path], AbstractContextManager[list[RawSheet]]]:
    """Tell how a file is read, by its content."""
    with path.open("rb") as file:
        start = file.read(4_096)
    if start.startswith(_WORKBOOK_MARKS):
        return workbook
    if looks_like_markup(start):
        return markup_tables
    if b"\0" in start and path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return workbook  # fails with the message that a workbook deserves
    return delimited


def _chosen(path: Path, sheets: list[RawSheet], wanted: str | None, header_row: int | None) -> list[Table]:
    """Return the tables of the sheets that hold one; the first says which were left out."""
    if wanted is not None:
        named = [one for one in sheets if one.name == wanted] or (
            sheets[int(wanted) - 1 : int(wanted)] if wanted.isdigit() and int(wanted) > 0 else []
        )
        if not named:
            raise InputError(
                f"{path} has no sheet {wanted!r}; it has: {', '.join(one.name for one in sheets)}",
                f"{path} 没有工作表“{wanted}”；它有：{'、'.join(one.name for one in sheets)}",
            )
        return [table_of(named[0], str(path), header_row)]
    tables = [table_of(one, str(path), header_row) for one in sheets]
    strengths = [header_strength(table) for table in tables]
    least = 2 if max(strengths) >= 2 else max(strengths)
    kept = [table for table, strength in zip(tables, strengths, strict=True) if strength >= least and table.headers]
    left = [table.sheet for table in tables if table not in kept and table.headers]
    if left and kept:
        note = f"未读取没有数据表的工作表：{'、'.join(left)}"
        first = kept[0]
        kept[0] = Table(first.headers, first.rows, first.done, (*first.notes, note), first.sheet, first.fixed)
    if len(sheets) == 1 and kept:
        only = kept[0]
        return [Table(only.headers, only.rows, only.done, only.notes, "", only.fixed)]
    return kept or tables[:1]


@contextmanager
def _json_lines(path: Path) -> Iterator[list[Table]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        position = [0]
        rows = _json_rows(file, position)
        # Objects may leave out what is missing: look at a few before saying which columns there are.
        ahead = list(islice(rows, _JSON_AHEAD))
        headers = dict.fromkeys(key for row in ahead for key in row.cells)
        if ahead and not headers:
            raise InputError(
                f"{path}, line {ahead[0].number} is no JSON object; give one object a line, in UTF-8",
                f"{path} 第 {ahead[0].number} 行不是 JSON 对象；请每行一个对象，用 UTF-8 编码",
            )
        yield [Table(tuple(headers), chain(ahead, rows), lambda: position[0] / size, fixed=False)]


def _json_rows(file: Any, position: list[int]) -> Iterator[TableRow]:
    for number, line in enumerate(file, start=1):
        position[0] += len(line)
        text = line.removeprefix(BOM_UTF8).strip()
        if not text:
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield TableRow(number, {}, problem=f"不是有效的 JSON：{error}")
            continue
        if isinstance(value, dict):
            yield TableRow(number, value)
        else:
            yield TableRow(number, {}, problem="不是 JSON 对象")


@contextmanager
def _parquet(path: Path) -> Iterator[list[Table]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, ValueError) as error:
        reason = first_line(error)
        raise InputError(
            f"{path} is no readable Parquet file ({reason})", f"{path} 不是可读的 Parquet 文件（{reason}）"
        ) from error
    with file:
        total = max(1, file.metadata.num_rows)
        position = [0]
        yield [Table(tuple(file.schema_arrow.names), _parquet_rows(file, position), lambda: position[0] / total)]


def _parquet_rows(file: Any, position: list[int]) -> Iterator[TableRow]:
    import pyarrow as pa

    batches = file.iter_batches(batch_size=_BATCH)
    while True:
        try:
            rows = next(batches).to_pylist()
        except StopIteration:
            return
        except (pa.ArrowException, ValueError, OSError):  # of a damaged file the footer may still be whole
            yield TableRow(position[0] + 1, {}, problem="文件从这一行起已损坏，无法读取")
            return
        for row in rows:
            position[0] += 1
            yield TableRow(position[0], row)
