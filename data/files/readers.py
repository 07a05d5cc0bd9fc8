"""File readers: CSV, XLSX, JSON Lines and Parquet as rows of cells, one at a time."""

import csv
import io
import warnings
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import orjson

from data.errors import InputError
from data.text.normalise import looks_garbled

SUFFIXES = (".csv", ".xlsx", ".jsonl", ".ndjson", ".parquet")

# A cell may be longer than any text we accept, so that its row can be rejected by name; an unclosed quote may not.
_MAX_CELL = 4_000_000
_CHUNK = 1 << 20
_BATCH = 1_000
_JSON_AHEAD = 100
_OTHER_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a ZIP or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
}


@dataclass(frozen=True)
class Table:
    """A file being read: `rows` yields (number, cells by header, problem); `done` tells the share read, 0-1.

    Numbers are those that a spreadsheet shows (the header is row 1), lines in JSON Lines, records from 1 in Parquet.
    `problem` is a Chinese sentence when the row as such cannot be read; its cells are then empty.
    """

    headers: tuple[str, ...]
    rows: Iterator[tuple[int, dict[str, Any], str | None]]
    done: Callable[[], float]
    note: str = ""


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open a file for reading row by row, in memory that does not grow with the file.

    Raises:
        InputError: the file is missing, empty, in an unknown format or encoding, or damaged.

    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a file or folder that exists")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; give a file with a header and rows")
    readers = {".csv": _csv, ".xlsx": _xlsx, ".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: format {path.suffix or 'without suffix'} is not read; use {', '.join(SUFFIXES)}")
    try:
        with readers[path.suffix.lower()](path) as table:
            if not any(header.strip() for header in table.headers):
                raise InputError(f"{path} is empty; give a file with a header and rows")
            yield table
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file: "utf-8-sig" (with or without mark) or "gb18030"; reads the whole file.

    Raises:
        InputError: it is neither.

    """
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in _OTHER_MARKS.items():
        if start.startswith(mark):
            raise InputError(f"{path} is {name}, not {path.suffix}; save it as UTF-8 {path.suffix}")
    if _decodes(path, "utf-8"):
        return "utf-8-sig"
    if _decodes(path, "gb18030") and _is_chinese(path):
        return "gb18030"
    raise InputError(f"{path} is neither UTF-8 nor GB18030 (GBK) text; save it as UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    """Tell whether the whole file is valid in `encoding` and free of NUL."""
    decoder = getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
                if b"\0" in chunk:
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _is_chinese(path: Path) -> bool:
    """Tell whether text that is valid GB 18030 makes sense as such: Big5 or Latin bytes become rare characters."""
    with path.open("rb") as file:
        text = file.read(1 << 16).decode("gb18030", "ignore")
    foreign = [char for char in text if char > "\x7f"]
    common = len("".join(foreign).encode("gb2312", "ignore")) // 2
    return common >= 0.8 * len(foreign) and not looks_garbled(text[:2_000])


@contextmanager
def _csv(path: Path) -> Iterator[Table]:
    encoding = encoding_of(path)
    csv.field_size_limit(_MAX_CELL)
    size = path.stat().st_size
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        lines = _csv_lines(csv.reader(text, strict=True))
        _, header, problem = next(lines, (1, [], None))
        if problem:
            raise InputError(f"{path}: the header row has a quotation mark that is left open")
        yield Table(tuple(header), _csv_rows(lines, header), lambda: raw.tell() / size)


def _csv_lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str], str | None]]:
    """Yield number, cells and problem of the records that are not blank; a broken record does not end the file."""
    for number in count(1):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, [], f"引号不成对或单元格过长（{error}）"
            continue
        if any(cell.strip() for cell in cells):
            yield number, cells, None


def _csv_rows(
    lines: Iterator[tuple[int, list[str], str | None]], header: list[str]
) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    for number, cells, problem in lines:
        if problem is None and any(cell.strip() for cell in cells[len(header) :]):
            problem = f"有 {len(cells)} 列，多于表头的 {len(header)} 列"  # noqa: PLW2901
        yield number, {} if problem else dict(zip(header, cells, strict=False)), problem


@contextmanager
def _xlsx(path: Path) -> Iterator[Table]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and filters, which do not matter here
        try:
            book = load_workbook(path, read_only=True, data_only=True)
        except (BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
            raise InputError(f"{path} is no readable Excel workbook ({error}); save it as .xlsx") from error
        try:
            if not book.worksheets:
                raise InputError(f"{path} has no worksheet; give a workbook with a header and rows")
            sheet = book.worksheets[0]
            total = sheet.max_row or 1
            sheet.reset_dimensions()  # some programs write wrong ones
            position = [0]
            lines = _xlsx_lines(sheet.iter_rows(values_only=True), position)
            header = ["" if cell is None else str(cell) for cell in next(lines, (1, []))[1]]
            while header and not header[-1].strip():
                header.pop()
            note = f"只读取第一个工作表“{sheet.title}”" if len(book.worksheets) > 1 else ""
            yield Table(tuple(header), _xlsx_rows(lines, header), lambda: min(1.0, position[0] / total), note)
        finally:
            book.close()


def _xlsx_lines(rows: Iterator[tuple[Any, ...]], position: list[int]) -> Iterator[tuple[int, list[Any]]]:
    for number, cells in enumerate(rows, start=1):
        position[0] = number
        if any(cell is not None and str(cell).strip() for cell in cells):
            # A whole number is stored as a float: 410100.0 is the code 410100.
            yield number, [int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in cells]


def _xlsx_rows(
    lines: Iterator[tuple[int, list[Any]]], header: list[str]
) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    for number, cells in lines:
        if any(cell is not None for cell in cells[len(header) :]):
            yield number, {}, f"第 {len(header)} 列之后还有内容，表头没有对应的列"
        else:
            yield number, dict(zip(header, cells, strict=False)), None


@contextmanager
def _json_lines(path: Path) -> Iterator[Table]:
    if encoding_of(path) != "utf-8-sig":
        raise InputError(f"{path} is not UTF-8, as JSON must be; save it as UTF-8")
    size = path.stat().st_size
    with path.open("rb") as file:
        position = [0]
        rows = _json_rows(file, position)
        # Objects may leave out what is missing: look at a few before saying which columns there are.
        ahead = list(islice(rows, _JSON_AHEAD))
        headers = dict.fromkeys(key for _, cells, _ in ahead for key in cells)
        if ahead and not headers:
            raise InputError(f"{path}, line {ahead[0][0]} is no JSON object; give one object a line")
        yield Table(tuple(headers), chain(ahead, rows), lambda: position[0] / size)


def _json_rows(file: Any, position: list[int]) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    for number, line in enumerate(file, start=1):
        position[0] += len(line)
        text = line.removeprefix(BOM_UTF8).strip()
        if not text:
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield number, {}, f"不是有效的 JSON：{error}"
            continue
        if isinstance(value, dict):
            yield number, value, None
        else:
            yield number, {}, "不是 JSON 对象"


@contextmanager
def _parquet(path: Path) -> Iterator[Table]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"{path} is no readable Parquet file ({str(error).splitlines()[0]})") from error
    with file:
        total = max(1, file.metadata.num_rows)
        position = [0]
        yield Table(tuple(file.schema_arrow.names), _parquet_rows(file, position), lambda: position[0] / total)


def _parquet_rows(file: Any, position: list[int]) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    for batch in file.iter_batches(batch_size=_BATCH):
        for row in batch.to_pylist():
            position[0] += 1
            yield position[0], row, None
