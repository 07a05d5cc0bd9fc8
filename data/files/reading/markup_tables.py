"""Tables in HTML and in Excel's XML of 2003, which systems like to export under the name .xls."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from data.errors import InputError
from data.files.reading.lines import encoding_of
from data.files.reading.rows import RawRow, RawSheet

_MAX_BYTES = 200 << 20  # these formats are read whole
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"


def looks_like_markup(start: bytes) -> bool:
    """Tell whether a file's first bytes are HTML or Excel's XML."""
    head = start[:4_000].lower().replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    xml = head.startswith(b"<?xml") and _SPREADSHEET.encode() in start
    return (
        xml
        or bool(re.match(rb"<(?:!doctype html|html|table|head|meta|style|body|div|!--)", head))
        or (head.startswith(b"<?xml") and b"<html" in head)
    )


@contextmanager
def markup_tables(path: Path) -> Iterator[list[RawSheet]]:
    """Open the tables of an HTML or XML file, each as a sheet.

    Raises:
        InputError: it is too large, or holds no table.

    """
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(
            f"{path} has more than {_MAX_BYTES >> 20} MB of HTML; save it as .xlsx or .csv",
            f"{path} 是超过 {_MAX_BYTES >> 20} MB 的网页，请另存为 .xlsx 或 .csv",
        )
    raw = path.read_bytes()
    named = _CHARSET.search(raw[:4_000])
    try:
        text = raw.decode("utf-8-sig") if named is None else raw.decode(named.group(1).decode(), "strict")
    except (UnicodeDecodeError, LookupError):
        text = raw.decode(encoding_of(path), "replace")
    parser = _Tables()
    parser.feed(text)
    parser.close()
    tables = [table for table in parser.tables if len(table) > 1 or (table and len(table[0]) > 1)]
    if not tables:
        raise InputError(
            f"{path} is a web page without a table; save the data as .xlsx or .csv",
            f"{path} 是没有表格的网页，请把数据另存为 .xlsx 或 .csv",
        )
    yield [RawSheet(name, _rows(table), lambda: 1.0) for name, table in zip(parser.names, tables, strict=False)]


def _rows(table: list[list[str]]) -> Iterator[RawRow]:
    for number, cells in enumerate(table, start=1):
        if any(cell.strip() for cell in cells):
            yield RawRow(number, [cell.strip() or None for cell in cells])


class _Tables(HTMLParser):
    """Collects <table>, <tr>, <td> of HTML and <Table>, <Row>, <Cell> of XML; cells that span rows are filled down."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._sheet_names: list[str] = []
        self._depth = 0
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._span = (1, 1)
        # By column: for how many more rows a cell reaches down, and its text; those of this row count from the next on.
        self._below: dict[int, tuple[int, str]] = {}
        self._pending: dict[int, tuple[int, str]] = {}

    @property
    def names(self) -> list[str]:
        """Names of the tables: of worksheets where the file has them."""
        named = len(self._sheet_names) == len(self.tables)
        return self._sheet_names if named else [f"表{place}" for place in range(1, len(self.tables) + 1)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, row or cell."""
        values = {name: value or "" for name, value in attrs}
        if tag in ("worksheet", "ss:worksheet"):
            self._sheet_names.append(values.get("ss:name", ""))
        elif tag in ("table", "ss:table"):
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
                self._below = {}
        elif tag in ("tr", "row", "ss:row") and self._depth == 1:
            self._end_row()
            self._row = []
            if self.tables and values.get("ss:index", "").isdigit():
                while len(self.tables[-1]) < int(values["ss:index"]) - 1:
                    self.tables[-1].append([])
        elif tag in ("td", "th", "cell", "ss:cell") and self._row is not None:
            self._end_cell()
            self._cell = []
            if values.get("ss:index", "").isdigit():
                self._row.extend([""] * (int(values["ss:index"]) - 1 - len(self._row)))
            self._span = (_count(values.get("rowspan")), _count(values.get("colspan")))
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Close a table, row or cell."""
        if tag in ("td", "th", "cell", "ss:cell"):
            self._end_cell()
        elif tag in ("tr", "row", "ss:row"):
            self._end_row()
        elif tag in ("table", "ss:table"):
            if self._depth == 1:
                self._end_row()
            self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        """Take in a cell's text."""
        if self._cell is not None:
            self._cell.append(data)

    def _fill_from_above(self) -> None:
        """Put in the cells that reach down from rows above."""
        while self._row is not None and len(self._row) in self._below:
            place = len(self._row)
            left, text = self._below.pop(place)
            self._row.append(text)
            if left > 1:
                self._below[place] = (left - 1, text)

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        self._fill_from_above()
        text = "".join(self._cell).strip()
        rows, columns = self._span
        for extra in range(columns):
            if rows > 1:
                self._pending[len(self._row)] = (rows - 1, text if extra == 0 else "")
            self._row.append(text if extra == 0 else "")
        self._cell = None

    def _end_row(self) -> None:
        if self._row is None:
            return
        self._end_cell()
        self._fill_from_above()
        if self.tables:
            self.tables[-1].append(self._row)
        self._below |= self._pending
        self._pending = {}
        self._row = None


def _count(text: str | None) -> int:
    return min(int(text), 1_000) if text and text.isdigit() and int(text) > 0 else 1
