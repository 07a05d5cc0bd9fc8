"""Tables that sort, filter and page on the server: from rows in memory or straight from the database."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Protocol

import sqlalchemy as sa
from starlette.requests import Request

from data.store.database import translated_errors
from serving.dashboard.accounts.access import Role
from serving.runtime.services import services_of

Row = Mapping[str, Any]
PAGE_SIZES = (25, 50, 100, 200)
MAX_PAGE = 100_000
MAX_FIND = 100
# Columns that may be long are cut on the page; exports hold all.
KINDS = ("text", "number", "percent", "decimal", "day", "moment", "region", "money", "say", "bar", "title", "code")


@dataclass(frozen=True)
class Column:
    """One column: its name in the rows, what it is called, what it means, how it is shown, where it leads."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    sortable: bool = True
    # A figure of the row itself, which counts no records that could be listed; every other number has a link.
    own: bool = False
    # (path, query) of the records behind a cell.
    link: Callable[[Row], tuple[str, dict[str, Any]] | None] | None = None


@dataclass(frozen=True)
class View:
    """What a reader wants to see of a table."""

    sort: str = ""
    descending: bool = False
    page: int = 1
    size: int = PAGE_SIZES[0]
    find: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


class Source(Protocol):
    """Where rows come from."""

    def page(self, view: View, find: Sequence[str]) -> tuple[list[Row], int]:
        """Return one page of the rows that a reader wants to see, and how many there are."""

    def all(self, view: View, find: Sequence[str]) -> Iterator[Row]:
        """Yield all rows that a reader wants to see."""


@dataclass(frozen=True)
class Table:
    """A table of a page; `find` names the columns that a search looks at, `choices` the values offered for a filter."""

    name: str
    title: str
    columns: tuple[Column, ...]
    source: Source
    find: tuple[str, ...] = ()
    choices: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    sort: str = ""
    descending: bool = True
    empty: str = "没有符合条件的记录。"
    hint: str = ""
    size: int = PAGE_SIZES[0]

    def view(self, query: Mapping[str, str]) -> View:
        """Return what the query of an address asks for; what it cannot mean is ignored."""
        prefix = f"{self.name}_"
        sort = query.get(f"{prefix}sort", ("-" if self.descending else "") + self.sort)
        name = sort.removeprefix("-")
        sortable = {column.name for column in self.columns if column.sortable}
        size = _natural(query.get(f"{prefix}size", ""), self.size)
        return View(
            name if name in sortable else self.sort,
            sort.startswith("-"),
            _natural(query.get(f"{prefix}page", ""), 1),
            size if size in PAGE_SIZES else self.size,
            query.get(f"{prefix}find", "").strip()[:MAX_FIND] if self.find else "",
            {name: query[prefix + name] for name in self.choices if query.get(prefix + name)},
            frozenset(query.get(f"{prefix}hide", "").split(",")) & {column.name for column in self.columns[1:]},
        )

    def visible(self, view: View) -> tuple[Column, ...]:
        """Return the columns that a reader did not hide; the first one always stays."""
        return tuple(column for column in self.columns if column.name not in view.hidden)


@dataclass(frozen=True)
class Shown:
    """One page of a table."""

    table: Table
    view: View
    rows: list[Row]
    total: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns to show."""
        return self.table.visible(self.view)

    def toggled(self, name: str) -> str | None:
        """Return the names of the columns that are hidden once one is hidden or shown again, None for none."""
        hidden = self.view.hidden ^ {name}
        return ",".join(column.name for column in self.table.columns if column.name in hidden) or None

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // self.view.size))


Builder = Callable[[Request], Awaitable[Table]]


@dataclass(frozen=True)
class TableSpec:
    """A table that can be asked for by name: as part of a page, alone, or as a file."""

    name: str
    build: Builder
    needs: Role = Role.VIEWER


async def show(request: Request, table: Table) -> Shown:
    """Return the page of a table that a request asks for."""
    view = table.view(request.query_params)
    rows, total = await services_of(request).in_store(lambda _: table.source.page(view, table.find))
    return Shown(table, view, rows, total)


@dataclass(frozen=True)
class MemoryRows:
    """Rows in memory."""

    rows: Sequence[Row]

    def page(self, view: View, find: Sequence[str]) -> tuple[list[Row], int]:
        """Return one page, and how many rows there are."""
        found = list(self.all(view, find))
        start = (view.page - 1) * view.size
        return found[start : start + view.size], len(found)

    def all(self, view: View, find: Sequence[str]) -> Iterator[Row]:
        """Yield the rows that are wanted; those without a value come last, however sorted."""
        wanted = view.find.lower()
        rows = [
            row
            for row in self.rows
            if all(str(row[name]) == value for name, value in view.choices.items())
            and (not wanted or any(wanted in str(row[name]).lower() for name in find))
        ]
        if view.sort:
            known = [row for row in rows if not _missing(row[view.sort])]
            known.sort(key=lambda row: row[view.sort], reverse=view.descending)
            rows = known + [row for row in rows if _missing(row[view.sort])]
        yield from rows


@dataclass(frozen=True)
class SelectedRows:
    """Rows of a query; its columns' names are those of the table's, or `order` and `where` name the columns to use.

    `count` counts cheaper than the query would where nothing is filtered; `keys` selects the same rows' keys alone, where
    joins that only add columns can be left out of the counting; `finish` turns a database row into a row.
    """

    engine: sa.Engine
    query: sa.Select[Any]
    key: sa.ColumnElement[Any]
    count: Callable[[sa.Connection], int] | None = None
    keys: sa.Select[Any] | None = None
    finish: Callable[[Row], Row] = lambda row: row

    def page(self, view: View, find: Sequence[str]) -> tuple[list[Row], int]:
        """Return one page, and how many rows there are."""
        wanted = self._wanted(self.query, view, find)
        with translated_errors(self.engine.url), self.engine.connect() as connection:
            if self.count is not None and not view.find and not view.choices:
                total = self.count(connection)
            else:
                keys = wanted.with_only_columns(self.key, maintain_column_froms=True)
                if self.keys is not None:
                    keys = self._wanted(self.keys, view, find)
                total = int(connection.execute(sa.select(sa.func.count()).select_from(keys.subquery())).scalar_one())
            ordered = self._ordered(wanted, view).limit(view.size).offset((view.page - 1) * view.size)
            rows = [self.finish(dict(row)) for row in connection.execute(ordered).mappings()]
        return rows, total

    def all(self, view: View, find: Sequence[str]) -> Iterator[Row]:
        """Yield the rows that are wanted."""
        query = self._ordered(self._wanted(self.query, view, find), view)
        with translated_errors(self.engine.url), self.engine.connect() as connection:
            for row in connection.execute(query, execution_options={"yield_per": 1_000}).mappings():
                yield self.finish(dict(row))

    def _wanted(self, query: sa.Select[Any], view: View, find: Sequence[str]) -> sa.Select[Any]:
        columns = self._columns
        for name, value in view.choices.items():
            query = query.where(sa.cast(columns[name], sa.String) == value)
        if view.find:
            query = query.where(sa.or_(*(columns[name].icontains(view.find, autoescape=True) for name in find)))
        return query

    def _ordered(self, query: sa.Select[Any], view: View) -> sa.Select[Any]:
        if not view.sort:
            return query.order_by(self.key)
        column = self._columns[view.sort]
        first = column.desc() if view.descending else column.asc()
        return query.order_by(sa.nulls_last(first), self.key)

    @property
    def _columns(self) -> dict[str, Any]:
        return {
            column.name: column.element if isinstance(column, sa.Label) else column
            for column in self.query.exported_columns.values()
        }


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _natural(text: str, default: int) -> int:
    """Return a number from 1 to `MAX_PAGE`."""
    return min(MAX_PAGE, max(1, int(text))) if text.isdecimal() and len(text) < 10 else default
