"""CSV and its relatives as rows: any usual separator, `sep=`, and an open quotation mark mended by its line."""

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from data.files.headers import known_headers
from data.files.reading.lines import Line, encoding_of, read_lines
from data.files.reading.rows import RawRow, RawSheet, empty_file

# A cell may be longer than any text we accept, so that its row can be rejected by name.
_MAX_CELL = 4_000_000
_MAX_LINES = 400  # of one record: beyond, a quotation mark was left open
_AHEAD = 30
_SEPARATORS = (",", "\t", ";", "|", "，", "；", "^", "\x01")


@contextmanager
def delimited(path: Path) -> Iterator[list[RawSheet]]:
    """Open a text file as one sheet.

    Raises:
        InputError: it is no text, or blank.

    """
    csv.field_size_limit(_MAX_CELL)
    encoding = encoding_of(path)
    size = max(1, path.stat().st_size)
    read = [0]
    width = 2 if encoding.startswith("utf-16") else 1

    def counted() -> Iterator[Line]:
        for line in read_lines(path, encoding):
            read[0] += (
                width * len(line.text)
                if line.text.isascii() or width == 2
                else len(line.text.encode("utf-8", "replace"))
            )
            yield line

    lines = counted()
    ahead = list(islice(lines, _AHEAD))
    if not any(line.text.strip() for line in ahead) and len(ahead) < _AHEAD:
        raise empty_file(path)
    ahead, separator = _separator(ahead)
    rows = _Records(chain(ahead, lines), separator).rows()
    yield [RawSheet("", rows, lambda: min(1.0, read[0] / size))]


def _separator(ahead: list[Line]) -> tuple[list[Line], str]:
    """Return the separator, by the line `sep=` (which is dropped) or by what gives the best header, and the lines."""
    first = ahead[0].text.strip().strip('"').lower() if ahead else ""
    if first.startswith("sep=") and len(first) <= 5:
        named = ahead[0].text.strip().strip('"')[4:] or "\t"
        blank = Line(ahead[0].number, "\n")
        return [blank, *ahead[1:]], named
    best, choice = (-1, -1), ","
    for separator in _SEPARATORS:
        rows = [row.cells for row in islice(_Records(iter(ahead), separator).rows(), _AHEAD)]
        widths = [len(row) for row in rows if len(row) > 1]
        steady = max((widths.count(width) for width in set(widths)), default=0)
        score = (max((known_headers(row) for row in rows), default=0), steady)
        if score > best and (widths or separator == ","):
            best, choice = score, separator
    return ahead, choice


class _Records:
    """Joins lines to records where a quoted cell has line breaks, and tells those from a quotation mark left open."""

    def __init__(self, lines: Iterator[Line], separator: str) -> None:
        self._lines = lines
        self._separator = separator
        self._waiting: deque[Line] = deque()
        self._width = 0

    def rows(self) -> Iterator[RawRow]:
        """Yield the records; a blank line counts as a row, as a spreadsheet counts it, but is not yielded."""
        number = 0
        while (line := self._next()) is not None:
            number += 1
            text = line.text.rstrip("\r\n")
            if not text.strip():
                continue
            if '"' not in text:
                cells, fault, last = text.split(self._separator), "", line
            else:
                cells, fault, last = self._quoted(line)
            self._width = max(self._width, len(cells)) if number <= _AHEAD else self._width
            note = fault
            if line.broken or last.broken:
                note = f"{note}；" if note else ""
                note += f"第 {line.number} 行有不属于文件编码的字节，以 \ufffd 代替"
            if any(cell.strip() for cell in cells):
                yield RawRow(number, cells, note=note)

    def _next(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def _quoted(self, first: Line) -> tuple[list[str], str, Line]:
        """Return the cells of the record that begins in a line with a quotation mark, what was mended, its last line."""
        cells, ended = self._parse(first.text)
        if cells is not None:
            return cells, "", first
        if ended:
            return self._literal(first), f"第 {first.number} 行的引号不成对，已按一行读取", first
        taken = [first]
        while len(taken) < _MAX_LINES and (line := self._next()) is not None:
            taken.append(line)
            if '"' not in line.text:
                continue
            cells, ended = self._parse("".join(one.text for one in taken))
            if cells is not None and not self._swallows(taken):
                return cells, "", line
            if cells is not None or ended:
                break
        self._waiting.extendleft(reversed(taken[1:]))
        return self._literal(first), f"第 {first.number} 行的引号没有关闭，已按一行读取", first

    def _parse(self, text: str) -> tuple[list[str] | None, bool]:
        """Return the cells, or None and whether more lines cannot help."""
        try:
            return next(csv.reader([text.rstrip("\r\n")], delimiter=self._separator, strict=True), []), True
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None, False
        if '\\"' not in text:
            return None, True
        try:  # MySQL and others write \" inside of quotation marks
            rows = csv.reader(
                [text.rstrip("\r\n")], delimiter=self._separator, strict=True, escapechar="\\", doublequote=False
            )
            return next(rows, []), True
        except csv.Error:
            return None, True

    def _swallows(self, taken: list[Line]) -> bool:
        """Tell whether the lines inside of a record look like records themselves: then its mark was left open."""
        inner = [line.text.rstrip("\r\n") for line in taken[1:-1] if line.text.strip()]
        whole = sum(text.count(self._separator) == self._width - 1 for text in inner)
        return self._width >= 3 and bool(inner) and whole > len(inner) / 2

    def _literal(self, line: Line) -> list[str]:
        """Return the cells of one line in which quotation marks mean nothing."""
        text = line.text.rstrip("\r\n")
        return [
            cell[1:] if cell.startswith('"') and cell.count('"') == 1 else cell for cell in text.split(self._separator)
        ]
