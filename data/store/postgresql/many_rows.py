"""Many rows in one statement: they go as one JSON text, so that it is the same, and prepared, for any number of rows."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


@cache
def insert_into(table: sa.Table, dialect: str) -> Any:
    """Return the statement that inserts rows into a table; see `values_for` for what it is executed with."""
    if dialect != "postgresql":
        return sqlite.insert(table).values({column.name: sa.bindparam(column.name) for column in table.c})
    columns = [sa.column(column.name, column.type) for column in table.c]
    rows = sa.func.json_to_recordset(sa.bindparam("rows", type_=sa.Text).cast(postgresql.JSON))
    given = rows.table_valued(*columns, name="given").render_derived(with_types=True)
    return postgresql.insert(table).from_select([column.name for column in table.c], sa.select(*given.c))


def insert_rows(
    connection: sa.Connection, statement: Any, table: sa.Table, rows: Sequence[dict[str, Any]]
) -> sa.Result[Any]:
    """Execute a statement that `insert_into` made, with conflicts seen to or not, for rows, at least one."""
    names = [str(column.name) for column in table.c]
    given = [{name: row.get(name) for name in names} for row in rows]
    if connection.dialect.name != "postgresql":
        return connection.execute(statement, given)
    return connection.execute(statement, {"rows": orjson.dumps(given).decode()})
