"""One row of a file becomes a record or an event."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from data.files.cells import Cell, date, event, industry, maturity, money, number, region, status, text
from data.files.headers import Column, columns_of
from data.files.reading.workbooks import Uncomputed
from data.files.rejects import Reject, rejects_of
from data.files.seen import SeenIds
from data.files.synonyms import LISTS, MONEY, TEXTS, FileKind
from data.files.table_kinds import TableKind, id_field, keeps_unknown, lists_of, money_of, texts_of
from data.kinds.record import KindRecord
from data.records import MAX_TEXT, Achievement, Demand, EventKind, OutcomeEvent, clean_id
from data.text.normalise import is_boilerplate, normalise

Parsed = Achievement | Demand | OutcomeEvent | KindRecord

MADE_ID = "auto-"
"""How ids begin that were made of holder and title."""

_MODELS: dict[FileKind, type[Achievement | Demand | OutcomeEvent]] = {
    FileKind.ACHIEVEMENTS: Achievement,
    FileKind.DEMANDS: Demand,
    FileKind.EVENTS: OutcomeEvent,
    FileKind.JUDGEMENTS: OutcomeEvent,
}
_REQUIRED = ("achievement_id", "demand_id", "event_id", "id", "title", "kind")
_IDS = frozenset({"achievement_id", "demand_id", "event_id"})
# What a row is nothing without; any other cell that cannot be read is left empty and noted.
_NEEDED: dict[FileKind, frozenset[str]] = {
    FileKind.ACHIEVEMENTS: frozenset({"achievement_id", "title"}),
    FileKind.DEMANDS: frozenset({"demand_id", "title"}),
    FileKind.EVENTS: frozenset({"event_id", "demand_id", "achievement_id", "kind", "occurred_at", "level"}),
    # An undated judgement counts as known from the beginning: a date that cannot be read must not become none.
    FileKind.JUDGEMENTS: frozenset({"demand_id", "achievement_id", "level", "occurred_at"}),
}
_RANGES = {"achievements": ("price_min", "price_max", "price"), "demands": ("budget_min", "budget_max", "budget")}
_HOLDERS = {FileKind.ACHIEVEMENTS: "holder", FileKind.DEMANDS: "enterprise"}
_CACHED = 100_000
_FEW = 1_000
_UNNAMED = re.compile(r"第\d+列")  # how sheets call a column without header


@dataclass(slots=True)
class ReadRow:
    """What a row gave: the record or event, or why there is none (`problems`); cells that could not be read (`notes`).

    `given` are the fields that the row speaks of, `given_extra` its unknown columns: of a known record the others stay.
    """

    parsed: Parsed | None = None
    problems: list[Reject] = dataclass_field(default_factory=list)
    notes: list[Reject] = dataclass_field(default_factory=list)
    given: frozenset[str] = frozenset()
    given_extra: frozenset[str] = frozenset()
    repeated: bool = False


class RowReader:
    """Reads the rows of one table; knows its columns, the ids it has met and the judgements it has counted.

    `seen` may be shared by the tables of a file. `mapping` overrules what headers tell.
    """

    def __init__(
        self,
        headers: tuple[str, ...],
        kind: TableKind,
        source: str,
        *,
        mapping: Mapping[str, str] | None = None,
        seen: SeenIds | None = None,
        sheet: str = "",
        any_title: bool = False,
    ) -> None:
        self.columns = {column.header: column for column in columns_of(headers, kind, source, mapping)}
        self.unknown_headers = {
            c.header: None
            for c in self.columns.values()
            if c.field is None and c.how == "" and not _UNNAMED.fullmatch(c.header)
        }
        self._kind = kind
        self._source, self._sheet = source, sheet
        self._mapping = mapping
        self._any_title = any_title
        self._headers = {c.field: c.header for c in reversed(self.columns.values()) if c.field and not c.spare}
        self._id_field = id_field(kind)
        self._keeps = keeps_unknown(kind)  # records do, events do not
        self._makes_ids = self._keeps and self._id_field not in self._headers
        self._needed = _NEEDED[kind] if isinstance(kind, FileKind) else frozenset({"title"})
        self._lists, self._texts, self._money = lists_of(kind), texts_of(kind), money_of(kind)
        self._seen = SeenIds() if seen is None else seen
        self._judged: Counter[str] = Counter()
        self._readers: dict[str, Callable[[Any], Cell]] = {}

    @property
    def makes_ids(self) -> bool:
        """Whether the table has no column of ids, so that they are made of holder and title."""
        return self._makes_ids

    def read(self, row: int, cells: Mapping[str, Any]) -> ReadRow:
        """Return the record or event in row number `row`, or what is wrong with it."""
        result = ReadRow()
        values, extra = self._sort_cells(row, cells, result)
        if not result.problems:
            self._identify(row, values, cells, result)
        if result.problems:
            return result
        if self._keeps:
            values["extra"] = extra
        elif self._kind is FileKind.JUDGEMENTS:
            values |= {"kind": EventKind.JUDGEMENT, "event_id": self._judgement_id(values)}
        result.parsed = self._built(row, values, extra, cells, result)
        if result.parsed is not None:
            self._check_repeated(row, result.parsed, values, result)
        return result

    def _sort_cells(self, row: int, cells: Mapping[str, Any], result: ReadRow) -> tuple[dict[str, Any], dict[str, str]]:
        """Part the cells into fields and unknown columns."""
        values: dict[str, Any] = {}
        extra: dict[str, str] = {}
        given: set[str] = set()
        given_extra: set[str] = set()
        needed, columns, readers = self._needed, self.columns, self._readers
        for header, cell in cells.items():
            column = columns.get(header) or self._new_column(header, cells, row, result)
            if column is None:
                continue
            if column.field is None:
                if column.how == "":
                    given_extra |= self._keep(row, header, cell, extra, result)
                continue
            field = column.field
            if (cell is None or cell == "") and field not in needed:
                given.add(field)  # nearly half of all cells are blank
                continue
            reader = _uncomputed if type(cell) is Uncomputed else readers.get(header) or self._reader_of(column)
            read = reader(cell)
            if read.note:
                self._note(row, column, cell, read, result, extra)
                given_extra.add(header)
                if read.value is None:
                    continue
            given.add(field)
            if read.value is None:
                continue
            if field in values:
                self._take(column, read.value, cell, values, extra)
            else:
                values[field] = read.value
        self._split_money(values, given)
        result.given, result.given_extra = frozenset(given), frozenset(given_extra | extra.keys())
        return values, extra

    def _keep(self, row: int, header: str, cell: Any, extra: dict[str, str], result: ReadRow) -> set[str]:
        """Keep an unknown column's cell aside; return the names it is kept under."""
        if header == "extra" and isinstance(cell, dict):  # a record as the store itself writes it
            extra |= {str(name): text.written(value) for name, value in cell.items()}
            return set(extra)
        written = text.written(cell).strip()
        if isinstance(cell, Uncomputed):
            result.notes.append(Reject(row, header, "", str(cell)))
        elif written and header.strip():
            if len(written) > MAX_TEXT:
                result.notes.append(Reject(row, header, written, f"超过 {MAX_TEXT} 字，多出的部分未读取"))
            extra[header] = written[:MAX_TEXT]
            self.unknown_headers[header] = None
        return {header}

    def _note(self, row: int, column: Column, cell: Any, read: Cell, result: ReadRow, extra: dict[str, str]) -> None:
        """List a cell that could not be read, or not whole: as a note and aside, or as a reason to refuse the row."""
        written = (
            "" if isinstance(cell, Uncomputed) or cell is None else text.written(cell).strip() or str(cell).strip()
        )
        reject = Reject(row, column.header, written, read.note)
        if column.field in self._needed and read.value is None:
            result.problems.append(reject)
            return
        result.notes.append(reject)
        if self._keeps and written:
            extra[column.header] = written[:MAX_TEXT]

    def _take(self, column: Column, value: Any, cell: Any, values: dict[str, Any], extra: dict[str, str]) -> None:
        """Join a further value of a field: lists and texts grow, of other fields the most telling column counts."""
        name = str(column.field)
        if name in self._lists:
            values[name] = tuple(dict.fromkeys((*values[name], *value)))
        elif name in self._texts:
            values[name] = f"{values[name]}\n{column.header}：{value}"[:MAX_TEXT]
        elif column.spare or self._headers.get(name) != column.header:
            extra[column.header] = text.written(cell).strip()[:MAX_TEXT]
        else:  # the most telling column follows a spare one
            spare = next(c.header for c in self.columns.values() if c.field == name and c.spare)
            extra[spare] = str(values[name])
            values[name] = value

    def _split_money(self, values: dict[str, Any], given: set[str]) -> None:
        """Turn amounts, which are (low, high), into the lower and upper ends that records have."""
        if isinstance(values.get("amount"), tuple):
            values["amount"] = values["amount"][0] if values["amount"][0] is not None else values["amount"][1]
        if not self._keeps:
            return
        low_name, high_name, both_name = _RANGES[self._kind.value]
        both = values.pop(both_name, None)
        if both_name in given:
            given |= {low_name, high_name}
            given.discard(both_name)
        lows, highs = values.pop(low_name, None), values.pop(high_name, None)
        low = high = None
        if lows is not None:
            low, high = lows[0] if lows[0] is not None else None, lows[1] if lows[1] != lows[0] else None
        if highs is not None:
            high = highs[1] if highs[1] is not None else highs[0]
            low = highs[0] if low is None and highs[0] != highs[1] else low
        if both is not None and low is None and high is None:
            # One sum is a budget's upper end, and a price's both ends.
            low = None if both_name == "budget" and both[0] == both[1] else both[0]
            high = both[1]
        for name, value in ((low_name, low), (high_name, high)):
            if value is not None:
                values[name] = value
                given.add(name)

    def _reader_of(self, column: Column) -> Callable[[Any], Cell]:
        """Return, and keep, the function that reads a column's cells."""
        read = self._field_reader(str(column.field), column.scale)
        self._readers[column.header] = read
        return read

    def _field_reader(self, field: str, scale: float) -> Callable[[Any], Cell]:
        """Return the function that reads a field's cells; numbers in the cells times `scale` are in 万元."""
        return _reader(field, self._kind, scale)

    def _identify(self, row: int, values: dict[str, Any], cells: Mapping[str, Any], result: ReadRow) -> None:
        """Refuse a row without what it is nothing without; make an id where the table has none."""
        if self._keeps and not self._any_title:
            title = str(values.get("title", ""))
            if title and len(title) <= 60 and is_boilerplate(title):
                result.problems.append(Reject(row, self._headers["title"], title, "名称没有实际内容"))
                return
        if self._makes_ids and "title" in values:
            self._make_id(values)
        for name in _REQUIRED:
            if name in self._needed and name not in values and name in self._headers:
                header = self._headers[name]
                result.problems.append(Reject(row, header, text.written(cells.get(header)).strip(), "必填，不能为空"))

    def _make_id(self, values: dict[str, Any]) -> None:
        """Make an id of holder and title."""
        holder = normalise(str(values.get(_HOLDERS[FileKind(self._kind.value)], "")))
        key = f"{holder}\x1f{normalise(str(values['title']))}".encode("utf-8", "surrogatepass")
        values[str(self._id_field)] = MADE_ID + sha256(key).hexdigest()[:20]

    def _built(
        self, row: int, values: dict[str, Any], extra: dict[str, str], cells: Mapping[str, Any], result: ReadRow
    ) -> Parsed | None:
        """Return the record; a value that does not fit is left out and noted, unless the row is nothing without it."""
        kind = FileKind(self._kind.value)
        model = _MODELS[kind]
        for _ in range(len(values) + 1):
            try:
                return model.model_validate(values)
            except ValidationError as error:
                shown = {name: cells.get(header) for name, header in self._headers.items()}
                wrong = list(rejects_of(row, error, shown, self._headers, kind))
                fields = {str(one["loc"][0]) for one in error.errors(include_url=False) if one["loc"]}
                if not fields and self._keeps:  # the ends of a range
                    fields = {name for name in _RANGES[kind.value][:2] if name in values}
                if not fields or fields & self._needed or not fields & values.keys() or "extra" in fields:
                    result.problems += wrong
                    return None
                result.notes += wrong
                for name in fields:
                    values.pop(name, None)
                    if name in self._headers and self._keeps:
                        extra[self._headers[name]] = text.written(cells.get(self._headers[name])).strip()[:MAX_TEXT]
                result.given -= fields
        return None

    def _new_column(self, header: str, cells: Mapping[str, Any], row: int, result: ReadRow) -> Column | None:
        """Learn a key that JSON Lines shows first in a later row; one that names a field twice makes the row ambiguous."""
        (column,) = columns_of([header], self._kind, self._source, complete=False)
        other = self._headers.get(str(column.field))
        if other is None or column.field in self._lists | self._texts:
            self.columns[header] = column
            if column.field:
                self._headers.setdefault(column.field, header)
            return column
        if other in cells and cells[other] not in (None, ""):
            reason = f"“{header}”与“{other}”都表示 {column.field}，不知以哪个为准"
            if column.field in self._needed:
                result.problems.append(Reject(row, header, text.written(cells[header]), reason))
                return None
        self.columns[header] = column
        return column

    def _judgement_id(self, values: Mapping[str, Any]) -> str:
        """Return the id of a judgement: the same pair, level and occurrence in a file give the same id."""
        parts = [str(values.get(name, "")) for name in ("demand_id", "achievement_id", "level")]
        key = "\x1f".join(parts)
        self._judged[key] += 1
        numbered = f"{key}\x1f{self._judged[key]}".encode("utf-8", "surrogatepass")
        return f"judgement-{sha256(numbered).hexdigest()[:32]}"

    def _check_repeated(self, row: int, parsed: Parsed, values: dict[str, Any], result: ReadRow) -> None:
        """Refuse a record whose id an earlier row has; an identical repeat is none, events are the store's business."""
        if isinstance(parsed, OutcomeEvent):
            return
        extra = values.pop("extra", {})
        digest = hash((frozenset(values.items()), frozenset(extra.items())))
        first = self._seen.first(parsed.record_id, self._sheet, row, digest)
        if first is None:
            return
        sheet, number, same = first
        if same:
            result.repeated = True
            return
        header = self._headers.get(str(self._id_field), "")
        what = "单位与名称都相同" if self._makes_ids else "编号重复"
        result.parsed = None
        where = f"{f'“{sheet}”' if sheet else ''}第 {number} 行"
        result.problems = [Reject(row, header, parsed.record_id, f"{what}，首次出现在{where}")]


def _reader(field: str, kind: TableKind, scale: float) -> Callable[[Any], Cell]:
    """Return the function that reads a field's cells."""
    if field in _IDS:
        return read_id
    if field in MONEY:
        return cached(partial(money.read, scale=scale)) if scale == scale else _foreign  # noqa: PLR0124 - NaN: no unit of ours
    if field == "occurred_at":
        return cached(date.moment)
    special: dict[str, Callable[[Any], Cell]] = {
        "title": read_title,
        "region": cached(region.read),
        "status": cached(partial(status.read, kind=kind.value)),
        "industries": _read_industries,
        "trl": cached(maturity.read),
        "trl_min": cached(maturity.read),
        "published_at": cached(partial(date.day, past=True)),
        "updated_at": cached(partial(date.day, past=True)),
        "deadline": cached(partial(date.day, end=True)),
        "kind": cached(event.kind),
        "reason": cached(event.reason),
        "position": number.read,
        "level": cached(number.read),
    }
    if field in special:
        return special[field]
    if field in LISTS:
        return text.items
    return text.text if field in TEXTS else cached(text.label, _FEW)


def cached(read: Callable[[Any], Cell], most: int = _CACHED) -> Callable[[Any], Cell]:
    """Return `read` with a memory for texts, `most` at once: a column says the same few things again and again."""
    kept = lru_cache(maxsize=most)(read)
    return lambda cell: kept(cell) if isinstance(cell, str) and len(cell) <= 60 else read(cell)


def _uncomputed(cell: Any) -> Cell:
    return Cell(note=str(cell))


def _foreign(cell: Any) -> Cell:
    return Cell(note="该列不是人民币，请换算为万元") if text.written(cell).strip() else Cell()


def read_id(cell: Any) -> Cell:
    """Return an id as it is stored."""
    try:
        return Cell(clean_id(cell))
    except ValueError as error:
        return Cell(note=str(error))


def read_title(cell: Any) -> Cell:
    """Return a title that is not blank."""
    written = text.written(cell)
    # Whatever normalising removes, a letter or character at the beginning stays.
    return Cell(written) if written[:1].isalnum() or normalise(written) else Cell(note="必填，不能为空")


def _read_industries(cell: Any) -> Cell:
    return industry.read(tuple(cell) if isinstance(cell, list) else cell)
