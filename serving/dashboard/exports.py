"""A table as a file: CSV and XLSX, in which no cell is a formula."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from typing import Any

from data.dates import CHINA_STANDARD_TIME
from serving.dashboard import wording
from serving.dashboard.rendering import region
from serving.dashboard.tables import Column, Table, View

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MAX_CELL = 32_767
MAX_XLSX_ROWS = 1_000_000
# A cell that starts like this would be computed by whoever opens the file.
_FORMULA = re.compile(r"^[=+\-@\t\r\n|%]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # a sheet's XML cannot hold these
_CHUNK = 500


def safe(value: Any) -> Any:
    """Return what may be in a cell of a spreadsheet: text that looks like a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(CHINA_STANDARD_TIME).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | float):
        return value
    text = _CONTROL.sub("", str(value))[: MAX_CELL - 1]
    return f"'{text}" if _FORMULA.match(text) else text


def as_csv(table: Table, view: View) -> Iterator[bytes]:
    """Yield the file in parts; the mark at its beginning lets Excel recognise UTF-8."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([safe(column.label) for column in table.visible(view)])
    for number, row in enumerate(table.source.all(view, table.find), start=1):
        writer.writerow([safe(_value(column, row)) for column in table.visible(view)])
        if number % _CHUNK == 0:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "replace")


def as_xlsx(table: Table, view: View) -> bytes:
    """Return the file; rows beyond a million, which no spreadsheet shows, are left out."""
    from openpyxl import Workbook  # here: it takes long to load and is seldom asked for

    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\\/*?:\[\]]", " ", table.title)[:31] or "表")
    sheet.freeze_panes = "A2"
    sheet.append([safe(column.label) for column in table.visible(view)])
    for _, row in zip(range(MAX_XLSX_ROWS), table.source.all(view, table.find), strict=False):
        sheet.append([safe(_value(column, row)) for column in table.visible(view)])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _value(column: Column, row: Any) -> Any:
    value = row[column.name]
    if column.kind == "region":
        return region(value)
    if column.kind == "say":
        return wording.say(value)
    return value
