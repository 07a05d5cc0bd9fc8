"""One row of a file becomes a record of a declared kind."""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from data.errors import InputError
from data.files.cells import Cell, date, declared, industry, maturity, money, region, status, text
from data.files.rejects import Reject
from data.files.rows import MADE_ID, ReadRow, RowReader, cached, read_id, read_title
from data.files.table_kinds import DeclaredKind, TableKind
from data.firms.profile import is_bound
from data.kinds.declaration import FieldDeclaration, FieldType, Role
from data.kinds.record import KindRecord, read_record
from data.records import MAX_TEXT
from data.text.normalise import normalise

ONE_END = "范围只按一端计，原文另存"


def reader_of(headers: tuple[str, ...], kind: TableKind, source: str, **options: Any) -> RowReader:
    """Return what reads the rows of a table of any kind; the options are those of `RowReader`."""
    if isinstance(kind, DeclaredKind):
        return KindReader(headers, kind, source, **options)
    return RowReader(headers, kind, source, **options)


class KindReader(RowReader):
    """Reads the rows of one table of a declared kind."""

    def __init__(self, headers: tuple[str, ...], kind: DeclaredKind, source: str, **options: Any) -> None:
        super().__init__(headers, kind, source, **options)
        self._declaration = kind.declaration
        self._needed = frozenset({"id", "title"}) | {one.name for one in kind.declaration.fields if one.required}

    def _field_reader(self, field: str, scale: float) -> Callable[[Any], Cell]:
        own = self._declaration.by_name.get(field)
        if own is not None:
            # Of a firm 80人以上 is a range; of a service 不超过5天 is its lead time.
            return _own_reader(own, scale, bounds=self._declaration.role is Role.PROFILE)
        special: dict[str, Callable[[Any], Cell]] = {
            "id": read_id,
            "title": read_title,
            "content": text.text,
            "keywords": text.items,
            "region": cached(region.read),
            "industries": lambda cell: industry.read(tuple(cell) if isinstance(cell, list) else cell),
            "published_at": cached(partial(date.day, past=True)),
            "valid_until": cached(partial(date.day, end=True)),
            "status": cached(partial(status.read, kind="records")),
            "visibility": cached(declared.visibility),
        }
        return special.get(field, text.label)

    def _split_money(self, values: dict[str, Any], given: set[str]) -> None:
        """Turn amounts, which are (low, high), into the end that the field asks for: the lower one of a …_min."""
        for name in self._money & values.keys():
            low, high = values.pop(name)
            end = (low, high) if name.endswith("_min") else (high, low)
            values[name] = end[0] if end[0] is not None else end[1]
        low, high = values.get("price_min"), values.get("price_max")
        if low is not None and high is not None and low > high:
            values.pop("price_min")
            given.discard("price_min")

    def _make_id(self, values: dict[str, Any]) -> None:
        # Of two experts of one institute in one field the names differ.
        names = [name for name in self._declaration.by_name if name.endswith("name")]
        parts = [normalise(str(values.get(name, ""))) for name in ("provider", "title", *names)]
        values["id"] = MADE_ID + sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]

    def _built(
        self, row: int, values: dict[str, Any], extra: dict[str, str], cells: Mapping[str, Any], result: ReadRow
    ) -> KindRecord | None:
        for name in sorted(self._needed - values.keys()):
            header = self._headers.get(name, name)
            result.problems.append(Reject(row, header, text.written(cells.get(header)).strip(), "必填，不能为空"))
        if result.problems:
            return None
        try:
            return read_record(self._declaration, values | {"extra": dict(extra)})
        except InputError as error:
            result.problems.append(
                Reject(row, "", "", f"不符合{self._declaration.label}的字段要求：{error}"[:MAX_TEXT])
            )
            return None


def _amount(cell: Any, scale: float) -> Cell:
    """Return a cell's amount as (low, high); of a range or a bound the note says so, which keeps the cell aside."""
    found = money.read(cell, scale=scale)
    if found.note or found.value is None or found.value[0] == found.value[1]:
        return found
    return Cell(found.value, ONE_END)


def _whole(cell: Any, unit: str, *, bounds: bool) -> Cell:
    """Return a cell's whole number; with `bounds` the note says so where the cell names only a bound."""
    found = declared.number(cell, unit=unit, whole=True)
    if not bounds or found.note or found.value is None or not is_bound(text.written(cell)):
        return found
    return Cell(found.value, ONE_END)


def _own_reader(field: FieldDeclaration, scale: float, *, bounds: bool) -> Callable[[Any], Cell]:
    """Return the function that reads the cells of a field that the kind itself declares."""
    readers: dict[FieldType, Callable[[Any], Cell]] = {
        FieldType.TEXT: text.text,
        FieldType.LABEL: partial(declared.label, choices=field.choices),
        FieldType.LABELS: partial(declared.labels, choices=field.choices),
        FieldType.NUMBER: cached(partial(declared.number, unit=field.unit, whole=False)),
        FieldType.INTEGER: cached(partial(_whole, unit=field.unit, bounds=bounds)),
        FieldType.MONEY: cached(partial(_amount if bounds else money.read, scale=scale)),
        FieldType.DAY: cached(date.day),
        FieldType.REGION: cached(region.read),
        FieldType.MATURITY: cached(maturity.read),
        FieldType.FLAG: cached(declared.flag),
    }
    return readers[field.type]
