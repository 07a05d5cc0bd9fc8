"""Many rows in one statement that is made once: PostgreSQL gets them as one JSON text, SQLite's driver as they are."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


@cache
def insert_into(table: sa.Table, dialect: str) -> Any:
    """Return the statement that inserts rows into a table; `insert_rows` executes it."""
    if dialect != "postgresql":
        return sqlite.insert(table).values({column.name: sa.bindparam(column.name) for column in table.c})
    columns = [sa.column(column.name, column.type) for column in table.c]
    rows = sa.func.json_to_recordset(sa.bindparam("rows", type_=sa.Text).cast(postgresql.JSON))
    given = rows.table_valued(*columns, name="given").render_derived(with_types=True)
    return postgresql.insert(table).from_select([column.name for column in table.c], sa.select(*given.c))


@cache
def upsert_into(table: sa.Table, dialect: str, changed: tuple[str, ...] | None = None) -> Any:
    """Return `insert_into` that gives rows whose key is there new values in the `changed` columns (None: in all)."""
    insert = insert_into(table, dialect)
    keys = [column for column in table.c if column.primary_key]
    names = changed or tuple(column.name for column in table.c if not column.primary_key)
    return insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in names})


def insert_rows(
    connection: sa.Connection, statement: Any, table: sa.Table, rows: Sequence[dict[str, Any]]
) -> sa.CursorResult[Any]:
    """Execute a statement that `insert_into` made, with conflicts seen to or not, for rows, at least one.

    The statement must be one of few: what is prepared of it is kept. Of SQLite's rows nothing is returned.
    """
    if connection.dialect.name == "postgresql":
        names = [str(column.name) for column in table.c]
        given = [{name: row.get(name) for name in names} for row in rows]
        return connection.execute(statement, {"rows": orjson.dumps(given).decode()})
    text, columns = _prepared(statement, table)
    values = [[row.get(name) for row in rows] for name, _ in columns]
    for at, (_, process) in enumerate(columns):
        if process is not None:
            values[at] = [None if value is None else process(value) for value in values[at]]
    # SQLAlchemy would look at each row's values by name, which costs more than SQLite's work on the row.
    return connection.exec_driver_sql(text, list(zip(*values, strict=True)))


def among(column: sa.Column[str], dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of some texts, given by `listed` to the parameter named like the column.

    The statement is the same for any number of texts.
    """
    given = sa.bindparam(column.name, type_=sa.Text)
    if dialect == "postgresql":
        return column.in_(
            sa.select(sa.func.json_array_elements_text(given.cast(postgresql.JSON)).column_valued("given"))
        )
    return column.in_(sa.select(sa.func.json_each(given).table_valued("value", name="given").c.value))


def listed(texts: Collection[str]) -> str:
    """Return the parameter of `among`."""
    return orjson.dumps(list(texts)).decode()


@cache
def _prepared(statement: Any, table: sa.Table) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
    """Return a statement's text for SQLite, and the columns in the order of its parameters with what writes their values."""
    dialect = sqlite.dialect()
    compiled = statement.compile(dialect=dialect)
    columns = [table.c[name] for name in compiled.positiontup]
    return str(compiled), [(c.name, c.type.dialect_impl(dialect).bind_processor(dialect)) for c in columns]
