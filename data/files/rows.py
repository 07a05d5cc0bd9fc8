"""One row of a file becomes a record or an event."""

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from pydantic import ValidationError

from data.files.headers import MONEY, Column, FileKind, columns_of
from data.files.rejects import Reject, rejects_of
from data.records import MAX_TEXT, Achievement, Demand, EventKind, OutcomeEvent
from data.text.normalise import is_boilerplate, normalise

Parsed = Achievement | Demand | OutcomeEvent

_MODELS: dict[FileKind, type[Parsed]] = {
    FileKind.ACHIEVEMENTS: Achievement,
    FileKind.DEMANDS: Demand,
    FileKind.EVENTS: OutcomeEvent,
    FileKind.JUDGEMENTS: OutcomeEvent,
}
# What is typed may say in words that it is missing: a deadline 暂无, a price 面议.
_TYPED = MONEY | {"trl", "trl_min", "region", "published_at", "updated_at", "deadline", "occurred_at", "position"}
_NO_PRICE = frozenset(("面议", "电议", "协商", "待议", "不限", "另议"))


class RowReader:
    """Reads the rows of one file; knows its columns, the ids it has met and the judgements it has counted."""

    def __init__(self, headers: tuple[str, ...], kind: FileKind, source: str) -> None:
        self._kind = kind
        self._columns = {column.header: column for column in columns_of(headers, kind, source)}
        self._source = source
        self._headers = {column.field: column.header for column in self._columns.values() if column.field}
        self._id_field = {FileKind.ACHIEVEMENTS: "achievement_id", FileKind.DEMANDS: "demand_id"}.get(kind)
        self._rows_of_ids: dict[str, int] = {}
        self._judged: Counter[str] = Counter()
        self.unknown_headers = {c.header: None for c in self._columns.values() if c.field is None and c.header.strip()}

    def read(self, row: int, cells: Mapping[str, Any]) -> Parsed | list[Reject]:
        """Return the record or event in row number `row`, or what is wrong with it."""
        values, extra, problems = self._sort_cells(row, cells)
        if problems:
            return problems
        complete = dict(values)
        if self._kind in (FileKind.ACHIEVEMENTS, FileKind.DEMANDS):
            complete["extra"] = extra
        elif self._kind is FileKind.JUDGEMENTS:
            complete |= {"kind": EventKind.JUDGEMENT, "event_id": self._judgement_id(values)}
        try:
            parsed = _MODELS[self._kind].model_validate(complete)
        except ValidationError as error:
            shown = {field: cells.get(header) for field, header in self._headers.items()}
            return list(rejects_of(row, error, shown, self._headers, self._kind))
        return self._duplicate(row, parsed) or parsed

    def _sort_cells(self, row: int, cells: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[Reject]]:
        """Part the cells into fields and unknown columns."""
        values: dict[str, Any] = {}
        extra: dict[str, str] = {}
        problems = []
        for header, cell in cells.items():
            column = self._columns.get(header) or self._new_column(header)
            if column.field is not None:
                values[column.field] = _value(cell, column)
            elif header == "extra" and isinstance(cell, dict):  # a record as the store itself writes it
                extra |= {str(name): _plain_text(value) for name, value in cell.items()}
            elif text := _plain_text(cell):
                if len(text) > MAX_TEXT:
                    problems.append(Reject(row, header, text, f"超过 {MAX_TEXT} 字"))
                elif header.strip():
                    extra[header] = text
                    self.unknown_headers[header] = None
        return values, extra, problems

    def _new_column(self, header: str) -> Column:
        """Learn a key that JSON Lines shows first in a later row."""
        known = [*self._columns, header]
        (*_, column) = columns_of(known, self._kind, self._source)
        self._columns[header] = column
        if column.field:
            self._headers[column.field] = header
        return column

    def _judgement_id(self, values: Mapping[str, Any]) -> str:
        """Return the id of a judgement: the same pair, level and occurrence in a file give the same id."""
        parts = [str(values.get(name, "")).strip() for name in ("demand_id", "achievement_id", "level")]
        key = "\x1f".join(parts)
        self._judged[key] += 1
        numbered = f"{key}\x1f{self._judged[key]}".encode("utf-8", "surrogatepass")
        return f"judgement-{sha256(numbered).hexdigest()[:32]}"

    def _duplicate(self, row: int, parsed: Parsed) -> list[Reject] | None:
        """Refuse a record whose id an earlier row has; a repeated event is the store's business, ids are its keys."""
        if self._id_field is None or isinstance(parsed, OutcomeEvent):
            return None
        first = self._rows_of_ids.setdefault(parsed.record_id, row)
        if first == row:
            return None
        return [Reject(row, self._headers[self._id_field], parsed.record_id, f"编号重复，首次出现在第 {first} 行")]


def _value(cell: Any, column: Column) -> Any:
    """Return a cell as its field's type expects it: spelled-out absence is None, money is a number of 万元."""
    if isinstance(cell, str) and column.field in _TYPED:
        # Nearly all are plain numbers and dates, which need no closer look.
        plain = cell.isascii() and cell[:1].isdigit()
        text = cell if plain else normalise(cell)
        if not plain and (is_boilerplate(text) or (column.field in MONEY and text in _NO_PRICE)):
            return None
        if column.field in MONEY:
            return _money(text, column.scale, cell)
    if column.scale != 1.0 and isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell * column.scale
    return cell


def _money(text: str, scale: float, cell: str) -> Any:
    """Return the number of 万元 in `1,200`, `50万元`, `3亿元`; any other text stays for the error to show."""
    number = text.replace(",", "").replace(" ", "")
    for unit, factor in (("亿元", 1e4), ("万元", 1.0), ("元", 1e-4), ("亿", 1e4), ("万", 1.0)):
        if number.endswith(unit):
            number, scale = number.removesuffix(unit), factor
            break
    try:
        return float(number) * scale
    except ValueError:
        return cell


def _plain_text(cell: Any) -> str:
    """Return an unknown column's cell as text, "" when it holds nothing."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, dict | list):
        return orjson.dumps(cell, default=str).decode()
    return str(cell)
